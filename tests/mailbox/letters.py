"""Letters to put into the mailbox."""

from email.message import EmailMessage

TEXT = "Hello,\n\nconfirm here: http://127.0.0.1:8000/confirm/abc.\n"
HTML = (
    "<!doctype html><html><head><title>x</title></head>"
    '<body><p><a href="http://127.0.0.1:8000/confirm/abc?a=1&amp;b=2">Confirm</a></p></body></html>'
)


def a_letter(
    to: str = "ada@example.org",
    subject: str = "Please confirm",
    text: str = TEXT,
    html: str | None = HTML,
) -> EmailMessage:
    """A letter as Coalition would write it."""
    message = EmailMessage()
    message["From"] = "Our list <list@example.org>"
    message["To"] = to
    message["Subject"] = subject
    message.set_content(text)
    if html is not None:
        message.add_alternative(html, subtype="html")
    return message
