"""The sender's side of the ledger: claim a batch, look, compose, send, record; and count whether all adds up."""
