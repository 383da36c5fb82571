"""An e-mail address, parsed at the door: whoever holds an `Address` holds one that mail can be sent to."""

import unicodedata
from dataclasses import dataclass, field

from email_validator import EmailNotValidError, validate_email

from coalition.errors import BadAddress
from coalition.languages import N_

_DOTLESS_PROVIDERS = frozenset({"gmail.com", "googlemail.com"})


@dataclass(frozen=True)
class Address:
    """`written` is what mail is sent to, `compared` what makes two spellings the same person's.

    The domain is its lower-case A-label (RFC 5891). The local part is kept as typed, because only the receiving
    host may interpret it (RFC 5321, section 2.4), and compared without regard to case.
    Neither is shown by `repr`, so that no log can carry one by accident.
    """

    written: str = field(repr=False)
    compared: str = field(repr=False)

    @classmethod
    def parse(cls, typed: str) -> "Address":
        """Read what a person typed. Raises BadAddress with a sentence for that person, in English for `gettext`."""
        typed = typed.strip(" \t")
        if not typed:
            raise BadAddress(N_("Enter your e-mail address"))
        _refuse_several(typed)
        _refuse_invisible(typed)
        local, _, _ = typed.rpartition("@")
        if not local.isascii():
            raise BadAddress(N_("Enter an e-mail address without accents or other special letters before the @"))
        try:
            found = validate_email(
                typed, check_deliverability=False, strict=True, allow_smtputf8=False, allow_quoted_local=False
            )
        except EmailNotValidError as error:
            raise BadAddress(N_("Enter an e-mail address in the right form, like name@example.org")) from error
        written = f"{local}@{found.ascii_domain.lower()}"
        if len(written) > 254:
            raise BadAddress(N_("Enter an e-mail address of at most 254 characters"))
        return cls(written, written.casefold())

    @classmethod
    def known(cls, written: str) -> "Address":
        """An address that `parse` has made, as it was kept where nobody can have altered it."""
        return cls(written, written.casefold())

    @property
    def mailbox(self) -> str:
        """The mailbox that limits are counted for: tags, and dots where the provider ignores them, are left out.

        Only limits use it: two tags may be two people's addresses, so subscriptions never do.
        """
        local, _, domain = self.compared.rpartition("@")
        local = local.partition("+")[0] or local
        if domain in _DOTLESS_PROVIDERS:
            local, domain = local.replace(".", ""), "gmail.com"
        return f"{local}@{domain}"

    @property
    def masked(self) -> str:
        """Enough for its owner to recognise, too little for anybody else: `b•••@e•••.org`."""
        local, _, domain = self.written.rpartition("@")
        name, _, ending = domain.rpartition(".")
        return f"{local[0]}•••@{name[0]}•••.{ending}"


def _refuse_invisible(typed: str) -> None:
    for character in typed:
        # Cc, Cf, Cs, Zl, Zp, Zs: control, format (zero-width, direction), surrogates and every kind of space.
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp", "Zs"}:
            raise BadAddress(N_("Your e-mail address holds a space or an invisible character: type it anew"))


def _refuse_several(typed: str) -> None:
    if any(mark in typed for mark in ",;<>") or typed.count("@") > 1:
        raise BadAddress(N_("Enter one e-mail address only, without a name beside it"))
