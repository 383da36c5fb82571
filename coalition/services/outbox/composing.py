"""From a delivery that goes to the bytes on the wire. The same stored facts always give the same bytes."""

import re
from datetime import datetime
from functools import lru_cache, partial

from coalition.address import Address
from coalition.community import Community
from coalition.config import Config
from coalition.db import Database
from coalition.languages import language
from coalition.links import Links
from coalition.mail import markdown
from coalition.mail import message as messages
from coalition.mail.compiled import CompiledCopy, Frame
from coalition.mail.digest import Copy, Slots, clean_html
from coalition.mail.letters import Letters
from coalition.mail.message import Sender
from coalition.mail.return_paths import ReturnPaths
from coalition.mail.smtp import Envelope
from coalition.models import Format, Letter, Subscriber
from coalition.services import editions, retention
from coalition.services.grievances import ANSWER_WITHIN, Told
from coalition.services.outbox.glance import Goes
from coalition.services.outbox.ready import Ready
from coalition.tokens import LIFETIME, Purpose

_MOST_COPIES = 256  # compiled ones that are kept
_MOST_FRAMES = 64  # one for each subject, language and format


class Composer:
    """Writes every letter of one community."""

    def __init__(self, config: Config, database: Database, links: Links, letters: Letters) -> None:
        self._community, self._links, self._letters = config.community, links, letters
        self._return_paths = ReturnPaths(links.tokens, config.community)
        self._copies = editions.Copies(database, letters)
        self._compiled = lru_cache(maxsize=_MOST_COPIES)(self._compile)
        self._frame = lru_cache(maxsize=_MOST_FRAMES)(self._make_frame)

    def compose(self, ready: Ready, copy: Copy | None = None) -> Envelope:
        """The envelope and message of one delivery; `copy` stands in for its variant's, as while it is written."""
        if ready.letter is not Letter.DIGEST:
            message = self._build(ready.locale, self._service(ready), ready.recipient, ready.nonce, ready.dated_at)
        elif copy is not None:
            message = self.compose_slowly(ready, copy)
        elif ready.variant_id is None:
            raise ValueError("a digest without a variant")
        else:
            if isinstance(ready.person, Goes):
                self._copies.lay_out(ready.variant_id, ready.person.brings)
            compiled = self._compiled(ready.variant_id, ready.locale)
            wire, size = compiled.fill(ready.recipient, ready.nonce, ready.dated_at, self._slots(ready))
            return Envelope.of_wire(self._return_path(ready), ready.recipient.written, wire, size)
        return Envelope(self._return_path(ready), ready.recipient.written, message)

    def compose_slowly(self, ready: Ready, copy: Copy) -> bytes:
        """A digest by way of the standard library alone: what the compiled way has to equal byte for byte."""
        slots = self._slots(ready)
        return self._build(ready.locale, copy.fill(slots), ready.recipient, ready.nonce, ready.dated_at, slots)

    def copy_of(self, variant_id: int) -> Copy:
        """What all readers of a variant share."""
        return self._copies.of(variant_id)

    def _compile(self, variant_id: int, locale: str) -> CompiledCopy:
        copy = self.copy_of(variant_id)
        return CompiledCopy(copy, self._frame(copy.subject, locale, copy.html is not None))

    def _make_frame(self, subject: str, locale: str, html: bool) -> Frame:
        return Frame(subject, html=html, build=partial(self._build, locale))

    def _build(
        self,
        locale: str,
        letter: messages.Letter,
        recipient: Address,
        nonce: str,
        dated: datetime,
        slots: Slots | None = None,
    ) -> bytes:
        """The message of a letter; with the slots of its reader, that of a digest."""
        community = self._community
        return messages.build(
            letter,
            sender=Sender(community.name, community.sender, community.reply_to),
            recipient=recipient,
            message_id=f"{nonce}@{community.mail_domain}",
            dated=dated,
            locale=language(locale).code,
            headers=self._list_headers(slots) if slots else {},
        )

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

    def _service(self, ready: Ready) -> messages.Letter:
        if ready.grievance is not None:
            return self._about_a_grievance(ready, ready.grievance)
        if ready.letter is Letter.AGREE_AGAIN and isinstance(ready.person, Subscriber):
            return self._ask_again(ready, ready.person)
        person, request, links = ready.person, ready.request, self._links
        if not isinstance(person, Subscriber) or request is None:
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
            case Letter.MOVE:
                facts |= {
                    "link": links.move(request.nonce, ready.dated_at),
                    "until": ready.dated_at + LIFETIME[Purpose.MOVE],
                }
            case Letter.MOVED:
                facts |= {
                    "moved_at": request.answered_at or ready.dated_at,
                    "link": links.put_back(request.nonce, ready.dated_at),
                    "until": ready.dated_at + LIFETIME[Purpose.PUT_BACK],
                }
            case Letter.MOVE_TAKEN:
                facts["link"] = links.ask()
        html = person.format is Format.HTML
        return self._letters.render(ready.letter, ready.locale, html=html, **facts)

    def _ask_again(self, ready: Ready, person: Subscriber) -> messages.Letter:
        return self._letters.render(
            ready.letter,
            ready.locale,
            html=person.format is Format.HTML,
            topics=ready.purposes,
            preferences=self._links.preferences(person.code, person.epoch, ready.dated_at),
            unsubscribe=self._links.unsubscribe(person.code),
            days=retention.LEFT.days,
        )

    def _about_a_grievance(self, ready: Ready, told: Told) -> messages.Letter:
        return self._letters.render(
            ready.letter,
            ready.locale,
            number=told.number,
            received_at=told.received_at,
            until=told.received_at + ANSWER_WITHIN,
            answer_text=markdown.to_text(told.answer),
            answer_html=clean_html(told.answer, "h2"),
        )

    def _return_path(self, ready: Ready) -> str:
        return self._return_paths.to(ready.nonce, ready.person.address_key if ready.person else None)


def _list_id(community: Community) -> str:
    """RFC 2919, on one line as it is; a name that would have to be encoded for that is left out."""
    name = re.sub(r'["\\]', "", community.name)
    return f'"{name}" <{community.list_id}>' if name.isascii() and len(name) <= 100 else f"<{community.list_id}>"
