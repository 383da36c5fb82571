"""The local mailbox: where letters land while somebody tries Coalition without a mail server.

A catch-all SMTP server and a page on its own port, both on loopback, everything in memory only.
"""
