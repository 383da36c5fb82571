"""From a delivery that goes to the bytes on the wire. The same stored facts always give the same bytes."""

import re

from coalition.community import Community
from coalition.config import Config
from coalition.db import Database
from coalition.languages import language
from coalition.links import Links
from coalition.mail import message
from coalition.mail.digest import Copy, Slots
from coalition.mail.letters import Letters
from coalition.mail.message import Sender
from coalition.mail.smtp import Envelope
from coalition.models import Format, Letter
from coalition.services import editions
from coalition.services.outbox.looking import Ready
from coalition.tokens import LIFETIME, Purpose


class Composer:
    """Writes every letter of one community."""

    def __init__(self, config: Config, database: Database, links: Links, letters: Letters) -> None:
        self._community, self._links, self._letters = config.community, links, letters
        self._copies = editions.Copies(database, letters)

    def compose(self, ready: Ready, copy: Copy | None = None) -> Envelope:
        """The envelope and message of one delivery; `copy` stands in for its variant's, as while it is written."""
        if ready.letter is Letter.DIGEST:
            slots = self._slots(ready)
            letter, headers = self._digest(ready, slots, copy), self._list_headers(slots)
        else:
            letter, headers = self._service(ready), {}
        community = self._community
        wire = message.build(
            letter,
            sender=Sender(community.name, community.sender, community.reply_to),
            recipient=ready.recipient,
            message_id=f"{ready.nonce}@{community.mail_domain}",
            dated=ready.dated_at,
            locale=language(ready.locale).code,
            headers=headers,
        )
        return Envelope(sender=self._return_path(ready), recipient=ready.recipient.written, message=wire)

    def _digest(self, ready: Ready, slots: Slots, copy: Copy | None) -> message.Letter:
        if ready.variant_id is None:
            raise ValueError("a digest without a variant")
        return (copy or self._copies.of(ready.variant_id)).fill(slots)

    def _slots(self, ready: Ready) -> Slots:
        person = ready.person
        if person is None:  # a test letter
            return editions.sample_slots(self._letters, self._links, ready.locale)
        return Slots(
            preferences=self._links.preferences(person.code, person.epoch, ready.dated_at),
            unsubscribe=self._links.unsubscribe(person.code),
            since={topic: self._letters.day(moment, ready.locale) for topic, moment in ready.since.items()},
        )

    def _list_headers(self, slots: Slots) -> dict[str, str]:
        """RFC 2369, RFC 2919, RFC 8058. No per-person value but the one that leaving needs."""
        community, links = self._community, self._links
        return {
            "List-Id": _list_id(community),
            "List-Unsubscribe": f"<{slots.unsubscribe}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "List-Help": f"<{links.privacy()}>",
            "List-Owner": f"<mailto:{community.reply_to.written}>",
            "List-Post": "NO",
            "Precedence": "bulk",
        }

    def _service(self, ready: Ready) -> message.Letter:
        person, request, links = ready.person, ready.request, self._links
        if person is None or request is None:
            raise ValueError("a service letter without its request")
        facts: dict[str, object] = {"asked_at": request.created_at}
        match ready.letter:
            case Letter.CONFIRM:
                facts |= {
                    "origin": ready.origin,
                    "topics": ready.topics,
                    "cadence": request.cadence or self._community.cadence,
                    "link": links.confirm(request.nonce, ready.dated_at),
                    "until": ready.dated_at + LIFETIME[Purpose.CONFIRM],
                }
            case Letter.WELCOME:
                facts |= {
                    "topics": ready.topics,
                    "confirmed_at": person.confirmed_at or ready.dated_at,
                    "preferences": links.preferences(person.code, person.epoch, ready.dated_at),
                    "unsubscribe": links.unsubscribe(person.code),
                }
            case Letter.ALREADY_SUBSCRIBED:
                facts["preferences"] = links.preferences(person.code, person.epoch, ready.dated_at)
            case Letter.PREFERENCES_LINK:
                facts |= {
                    "preferences": links.fresh(person.code, person.epoch, request.nonce, ready.dated_at),
                    "until": ready.dated_at + LIFETIME[Purpose.FRESH],
                }
        html = person.format is Format.HTML
        return self._letters.render(ready.letter, ready.locale, html=html, **facts)

    def _return_path(self, ready: Ready) -> str:
        """One for each delivery where the community collects bounces; the nonce can't be guessed or forged."""
        domain = self._community.bounce_domain
        return f"b+{ready.nonce}@{domain}" if domain else self._community.sender.written


def _list_id(community: Community) -> str:
    """RFC 2919, on one line as it is; a name that would have to be encoded for that is left out."""
    name = re.sub(r'["\\]', "", community.name)
    return f'"{name}" <{community.list_id}>' if name.isascii() and len(name) <= 100 else f"<{community.list_id}>"
