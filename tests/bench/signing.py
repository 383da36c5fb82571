"""Signing letters (DKIM) beside the bare signatures of the library, on the same number of cores, in rounds in turn.

In go letters of 25 KB as they are composed, out come signed ones; the connections are left out.
"""

import os
import resource
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from coalition.mail.envelope import Envelope
from coalition.mail.replies import Outcome, Reply
from coalition.mail.signing import Signing
from coalition.mail.signing_key import SigningKey
from coalition.mail.signing_process import sign
from coalition.mail.smtp import Answered
from tests.bench.ratios import Line, Spread, Table
from tests.processes import children

_TAKEN = Reply(250, None, "taken")
_LINE = b"In three of five districts rents are lower than a year ago. The figures are from May.\r\n"
_HEAD = """\
From: "Coalition of Collaborators" <hello@list.example.org>\r
To: reader{number}@example.org\r
Reply-To: "Coalition of Collaborators" <hello@list.example.org>\r
Subject: News of the week\r
Date: Thu, 12 Mar 2026 08:05:00 +0000\r
Message-ID: <nonce{number}@list.example.org>\r
Auto-Submitted: auto-generated\r
List-Id: "Coalition of Collaborators" <news.list.example.org>\r
List-Unsubscribe: <https://list.example.org/unsubscribe/reader{number}>\r
List-Unsubscribe-Post: List-Unsubscribe=One-Click\r
List-Help: <https://list.example.org/privacy>\r
List-Owner: <mailto:hello@list.example.org>\r
List-Post: NO\r
Precedence: bulk\r
MIME-Version: 1.0\r
Content-Type: text/plain; charset="utf-8"\r
Content-Transfer-Encoding: quoted-printable\r
Content-Language: en\r
\r
"""


@dataclass(frozen=True)
class Figures:
    """What was measured, for one number of processes."""

    processes: int
    rate: Spread  # signed letters a second, for each bare signature a second
    work: Spread  # processor time of a bare signature, for that of a signed letter
    letters_a_second: Spread
    bare_a_second: Spread


class Sink:
    """A mail server that takes everything at once, and costs nothing."""

    room = 8

    def __init__(self) -> None:
        self._came: list[Answered] = []

    def offer(self, ticket: int, envelope: Envelope) -> None:
        """Take a letter."""
        assert envelope.wire.startswith(b"DKIM-Signature: ")
        self._came.append(Answered(ticket, Outcome.ACCEPTED, _TAKEN))

    def answers(self, patience: float, most: int = 1000) -> list[Answered]:
        """All were accepted."""
        came, self._came = self._came, []
        return came

    def close(self) -> None:
        """Nothing to close."""


def measure(count: int, rounds: int, tell: Callable[[str], None]) -> Table:
    """On one core, and on all there are."""
    key = SigningKey("list.example.org", "s1", generate_private_key(65537, 2048))
    found: dict[str, Figures] = {}
    for processes in sorted({1, len(os.sched_getaffinity(0))}):
        name = "1 process" if processes == 1 else f"{processes} processes"
        tell(f"signing: {name}")
        found[name] = _measured(key, processes, rounds, count)
    return Table(
        "signing",
        f"letters of 25 KB signed with RSA-2048, beside bare signatures; {count:,} for each process, {rounds} rounds",
        [
            Line("rate / that of bare signatures", {name: each.rate for name, each in found.items()}, ">= 0.7"),
            Line("CPU of a bare signature / ours", {name: each.work for name, each in found.items()}),
            Line("letters a second", {name: each.letters_a_second for name, each in found.items()}),
            Line("bare signatures a second", {name: each.bare_a_second for name, each in found.items()}),
        ],
    )


def letters(count: int) -> list[Envelope]:
    """So many, of 25 KB, each to somebody else."""
    body = _LINE * (25_000 // len(_LINE))
    return [
        Envelope("b@list.example.org", f"reader{n}@example.org", _HEAD.format(number=n).encode() + body)
        for n in range(count)
    ]


def ours(key: SigningKey, processes: int, envelopes: list[Envelope]) -> tuple[float, float]:
    """Letters a second, and processor time for each."""
    out = Signing(Sink(), key, processes)
    _through(out, envelopes[: 4 * processes])  # all processes have started
    before = _cpu(resource.RUSAGE_SELF) + _cpu_of_processes()
    seconds = _timed(lambda: _through(out, envelopes))
    used = _cpu(resource.RUSAGE_SELF) + _cpu_of_processes() - before
    out.close()
    return len(envelopes) / seconds, used / len(envelopes)


def bare(key: SigningKey, processes: int, count: int) -> tuple[float, float]:
    """Signatures a second of so many processes together, and processor time for each."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        # Once for nothing: until all have started.
        list(pool.map(_sign_many, [key.pem] * processes, [count // 10] * processes))
        found = list(pool.map(_sign_many, [key.pem] * processes, [count] * processes))
    return sum(count / seconds for seconds, _ in found), sum(used for _, used in found) / (count * processes)


def _sign_many(pem: bytes, count: int) -> tuple[float, float]:
    key = load_pem_private_key(pem, None)
    assert isinstance(key, RSAPrivateKey)
    digests = [sha256(b"%d" % number).digest() for number in range(count)]
    before = _cpu(resource.RUSAGE_SELF)
    seconds = _timed(lambda: [sign(key, each) for each in digests])
    return seconds, _cpu(resource.RUSAGE_SELF) - before


def _through(out: Signing, envelopes: list[Envelope]) -> None:
    done = offered = 0
    while done < len(envelopes):
        while offered < len(envelopes) and out.room:
            out.offer(offered, envelopes[offered])
            offered += 1
        done += len(out.answers(60.0))


def _timed(do: Callable[[], object]) -> float:
    began = perf_counter()
    do()
    return perf_counter() - began


def _cpu(whose: int) -> float:
    used = resource.getrusage(whose)
    return used.ru_utime + used.ru_stime


def _cpu_of_processes() -> float:
    """Processor time of the processes that sign, while they live."""
    ticks = 0
    for pid in children("signing_process"):
        ticks += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _measured(key: SigningKey, processes: int, rounds: int, count: int) -> Figures:
    envelopes = letters(count * processes)
    found = [(bare(key, processes, count), ours(key, processes, envelopes)) for _ in range(rounds)]
    return Figures(
        processes,
        rate=Spread.of([signed[0] / alone[0] for alone, signed in found]),
        work=Spread.of([alone[1] / signed[1] for alone, signed in found]),
        letters_a_second=Spread.of([signed[0] for _, signed in found]),
        bare_a_second=Spread.of([alone[0] for alone, _ in found]),
    )
