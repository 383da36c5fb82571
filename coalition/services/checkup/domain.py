"""What the DNS says of the sender's domain, on which receivers decide whether to believe us."""

import re
from base64 import b64decode
from binascii import Error as BadBase64
from collections.abc import Callable, Iterator
from functools import partial

from coalition.community import Community
from coalition.config import is_loopback
from coalition.mail.signing_key import SigningKey
from coalition.services.checkup import dmarc, spf
from coalition.services.checkup.findings import Finding, advice, fault, ok, unknown
from coalition.services.checkup.names import CannotAsk, Names

_NOBODY_READS = re.compile(r"(no|do-?not)[-_.]?reply", re.IGNORECASE)


def check(names: Names, community: Community, key: SigningKey | None, helo: str) -> Iterator[Finding]:
    """Everything that can be asked for; `key` is that of our own signatures, `helo` how we greet the mail server."""
    sender, envelope = community.mail_domain, community.bounce_domain or community.mail_domain
    replies = community.reply_to.compared.rpartition("@")[2]
    yield _asked("SPF", lambda: spf.look(names, envelope))
    yield _asked("DKIM", lambda: _signature(names, key))
    yield _asked("DMARC", lambda: dmarc.look(names, sender))
    if envelope != sender:
        yield _asked("alignment", lambda: _alignment(names, sender, envelope))
    for domain in dict.fromkeys((sender, replies, envelope)):
        yield _asked("replies", partial(_takes_mail, names, domain))
    if not is_loopback(helo):
        yield _asked("greeting", lambda: _greeting(names, helo))


def check_addresses(community: Community) -> Iterator[Finding]:
    """What needs no question."""
    for name, address in (("from", community.sender), ("reply_to", community.reply_to)):
        if _NOBODY_READS.match(address.written):
            yield advice("replies", f"The address `{name}` in community.toml says that nobody reads it: let somebody.")


def _asked(about: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except CannotAsk as error:
        return unknown(about, f"Could not ask the DNS: {error}.")


def _signature(names: Names, key: SigningKey | None) -> Finding:
    if key is None:
        return advice(
            "DKIM",
            "Your mail server has to sign, and only a letter shows whether it does: `coalition digest test` one to"
            " yourself, and look for both List-Unsubscribe and List-Unsubscribe-Post in the h= of its DKIM-Signature.",
        )
    records = [text for text in names.texts(key.record_name) if re.search(r"(^|;)\s*p=", text)]
    if not records:
        return fault("DKIM", f"{key.record_name} is not published: `coalition doctor dkim-key` shows what to publish.")
    if len(records) > 1:
        return fault("DKIM", f"{key.record_name} has {len(records)} records: leave the one of our key.")
    tags = {
        name.strip(): "".join(value.split()) for name, _, value in (t.partition("=") for t in records[0].split(";"))
    }
    if _decoded(tags["p"]) != key.public:
        return fault("DKIM", f"{key.record_name} holds another key than ours: every signature would be wrong.")
    if "y" in tags.get("t", "").split(":"):
        return advice("DKIM", f"{key.record_name} says that it is being tried out (t=y), and receivers may ignore it.")
    return ok("DKIM", f"{key.record_name} holds our key, of {key.private.key_size} bits.")


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except BadBase64:
        return b""


def _alignment(names: Names, sender: str, envelope: str) -> Finding:
    if dmarc.organisation(names, sender) == dmarc.organisation(names, envelope) or _is_under(sender, envelope):
        return ok("alignment", f"Letters come from {sender}, bounces go to {envelope}: one organisation.")
    return fault(
        "alignment", f"Bounces go to {envelope}, outside the organisation of {sender}: SPF can't speak for us."
    )


def _is_under(one: str, other: str) -> bool:
    return one.endswith(f".{other}") or other.endswith(f".{one}")


def _takes_mail(names: Names, domain: str) -> Finding:
    servers = names.mail_servers(domain)
    if servers == ["."]:
        return fault("replies", f"{domain} says that it takes no mail: replies and bounces would be lost.")
    if servers or names.addresses(domain):
        return ok("replies", f"{domain} takes mail.")
    return fault("replies", f"{domain} has no mail server (MX): replies and bounces would be lost.")


def _greeting(names: Names, helo: str) -> Finding:
    addresses = names.addresses(helo)
    if not addresses:
        return advice("greeting", f"We greet your mail server as {helo}, and that name has no address.")
    astray = [each for each in addresses if helo.lower() not in names.names_of(each)]
    if astray:
        return advice(
            "greeting",
            f"{', '.join(astray)} does not lead back to {helo} (PTR). It matters only where that machine itself gives"
            " mail to the world.",
        )
    return ok("greeting", f"{helo} leads to {', '.join(addresses)} and back.")
