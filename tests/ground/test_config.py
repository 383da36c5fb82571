"""COALITION_*: read once, every fault told by its name, no secret ever shown."""

from pathlib import Path

import pytest

from coalition.community import SAMPLE
from coalition.config import Config, Log, Security, Uncertain, read_config
from coalition.errors import Misconfigured

OURS = SAMPLE.replace("coalition.example", "list.example.org").replace("Exampleton", "Exampletown")


def _read(home: Path, community: str = OURS, **settings: str) -> Config:
    (home / "community.toml").write_text(community, "utf-8")
    return read_config({"COALITION_HOME": str(home)} | {f"COALITION_{name}": value for name, value in settings.items()})


def _faults(home: Path, community: str = OURS, **settings: str) -> list[str]:
    with pytest.raises(Misconfigured) as caught:
        _read(home, community, **settings)
    return str(caught.value).split("\n")


def test_nothing_set_is_something_to_try_on_this_machine(tmp_path: Path) -> None:
    config = _read(tmp_path, SAMPLE)

    assert (config.host, config.port, config.base_url) == ("127.0.0.1", 8000, "http://127.0.0.1:8000")
    assert config.database_url == f"sqlite:///{tmp_path / 'coalition.db'}"
    assert config.metrics_token is None
    assert (config.relay, config.rate, config.uncertain, config.proxies) == (None, None, Uncertain.RETRY, 0)
    assert config.mailbox_port == 8001
    assert config.is_local
    assert not config.secure
    assert config.community.is_sample


def test_everything_set_is_read(tmp_path: Path) -> None:
    config = _read(
        tmp_path,
        BIND="[::1]:8010",
        BASE_URL="https://list.example.org/",
        DATABASE_URL="postgresql://db.example.org/coalition",
        SMTP_URL="smtp+starttls://us%40example.org:p%2Fw%3A@mail.example.org",
        SMTP_CA="/etc/ca.pem",
        FROM="news@example.org",
        RATE="2.5",
        UNCERTAIN="hold",
        LOG="json",
        PROXIES="1",
        MAILBOX_PORT="9000",
        METRICS_TOKEN="12345678901234567890",
    )

    assert (config.host, config.port, config.base_url) == ("::1", 8010, "https://list.example.org")
    assert config.relay is not None
    assert (config.relay.security, config.relay.host, config.relay.port) == (Security.STARTTLS, "mail.example.org", 587)
    assert (config.relay.user, config.relay.password) == ("us@example.org", "p/w:")
    assert config.relay.ca_file == Path("/etc/ca.pem")
    assert config.relay.helo == "list.example.org"
    assert (config.rate, config.uncertain, config.proxies, config.mailbox_port) == (2.5, Uncertain.HOLD, 1, 9000)
    assert config.metrics_token == "12345678901234567890"
    assert config.log is Log.JSON
    assert config.community.sender.written == "news@example.org"
    assert config.secure
    assert not config.is_local


@pytest.mark.parametrize(
    ("url", "security", "port"),
    [
        ("smtp://127.0.0.1", Security.PLAIN, 25),
        ("smtp://localhost:2525", Security.PLAIN, 2525),
        ("smtp+starttls://mail.example.org", Security.STARTTLS, 587),
        ("smtps://mail.example.org", Security.TLS, 465),
        ("smtps://[2001:db8::1]:466", Security.TLS, 466),
    ],
)
def test_the_way_to_the_mail_server_is_in_its_url(url: str, security: Security, port: int, tmp_path: Path) -> None:
    relay = _read(tmp_path, SMTP_URL=url).relay

    assert relay is not None
    assert (relay.security, relay.port) == (security, port)


WRONG = [
    ("BIND", "8000"),
    ("BIND", "127.0.0.1:"),
    ("BIND", ":8000"),
    ("BIND", "127.0.0.1:http"),
    ("BIND", "127.0.0.1:65536"),
    ("BIND", "127.0.0.1:²"),
    ("BIND", "127.0.0.1:-1"),
    ("BASE_URL", "list.example.org"),
    ("BASE_URL", "ftp://list.example.org"),
    ("BASE_URL", "https://"),
    ("BASE_URL", "https://list.example.org/news"),
    ("BASE_URL", "https://list.example.org?x"),
    ("BASE_URL", "https://us@list.example.org"),
    ("BASE_URL", "https://[::1"),
    ("BASE_URL", "http://localhost:port"),
    ("BASE_URL", "http://list.example.org"),
    ("SMTP_URL", "mail.example.org"),
    ("SMTP_URL", "http://mail.example.org"),
    ("SMTP_URL", "smtp://"),
    ("SMTP_URL", "smtps://[::1"),
    ("SMTP_URL", "smtps://mail.example.org:99999"),
    ("SMTP_URL", "smtp://us:secret@mail.example.org"),
    ("RATE", "fast"),
    ("RATE", "0"),
    ("RATE", "-1"),
    ("RATE", "1e3"),
    ("RATE", "nan"),
    ("UNCERTAIN", "maybe"),
    ("LOG", "loud"),
    ("PROXIES", "1.5"),
    ("PROXIES", "-1"),
    ("PROXIES", "10"),
    ("MAILBOX_PORT", "65536"),
    ("MAILBOX_PORT", "x"),
    ("HOME", "~nobody-of-this-name/home"),
    ("METRICS_TOKEN", "short-secret"),
    ("METRICS_TOKEN", "a secret with spaces in it"),
    ("PORT", "8000"),
    ("SMTP_URLS", "smtp://127.0.0.1"),
    ("", "x"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_setting_is_told_by_its_name_and_not_by_its_value(name: str, value: str, tmp_path: Path) -> None:
    [*faults] = _faults(tmp_path, **{"SMTP_URL": "smtp://127.0.0.1", name: value})

    told = [fault for fault in faults if fault.startswith(f"COALITION_{name} ")]
    assert len(told) == 1
    assert "secret" not in "".join(faults)


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    faults = _faults(tmp_path, OURS.replace("hour = 8", "hour = 24"), BIND="x", RATE="x", TYPO="x")

    assert len(faults) == 4
    assert [fault.split()[0] for fault in faults] == [
        "COALITION_TYPO",
        "COALITION_BIND",
        "community.toml:",
        "COALITION_RATE",
    ]


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("smtps://us:secret@mail.example.org\n")

    relay = _read(tmp_path, SMTP_URL_FILE=str(tmp_path / "url")).relay

    assert relay is not None
    assert relay.password == "secret"


def test_a_setting_and_its_file_at_once_are_a_fault(tmp_path: Path) -> None:
    (tmp_path / "rate").write_text("1")

    assert _faults(tmp_path, RATE="1", RATE_FILE=str(tmp_path / "rate")) == [
        "COALITION_RATE and COALITION_RATE_FILE are both set: keep one."
    ]


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"\xff\xfe")

    for path in (tmp_path / "missing", tmp_path, tmp_path / "latin"):
        assert _faults(tmp_path, RATE_FILE=str(path)) == ["COALITION_RATE_FILE names a file that can't be read."]


def test_in_public_a_mail_server_and_an_identity_are_needed(tmp_path: Path) -> None:
    public = {"BASE_URL": "https://list.example.org"}

    assert [fault.split()[0] for fault in _faults(tmp_path, **public)] == ["COALITION_SMTP_URL"]
    [fault] = _faults(tmp_path, SAMPLE, SMTP_URL="smtp://127.0.0.1", **public)
    assert "sample's identity" in fault
    assert _read(tmp_path, SMTP_URL="smtp://127.0.0.1", **public).base_url == "https://list.example.org"


@pytest.mark.parametrize("key", ["name", "controller", "postal_address"])
def test_l14_in_public_who_answers_has_to_stand_in_the_file_itself(tmp_path: Path, key: str) -> None:
    without = "".join(line for line in OURS.splitlines(True) if not line.startswith(f"{key} = "))
    public = {"BASE_URL": "https://list.example.org", "SMTP_URL": "smtp://127.0.0.1"}

    assert f"community.toml does not say {key}: every letter has to." in _faults(tmp_path, without, **public)
    assert _read(tmp_path, without).is_local


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "[::1]", "coalition.localhost"])
def test_this_machine_may_be_spelled_in_many_ways(host: str, tmp_path: Path) -> None:
    assert _read(tmp_path, SAMPLE, BASE_URL=f"http://{host}:8000").is_local


def test_a_six_digit_address_of_this_machine_makes_links_that_lead_there(tmp_path: Path) -> None:
    assert _read(tmp_path, BIND="[::1]:8000").base_url == "http://[::1]:8000"


def test_no_secret_is_shown_by_accident(tmp_path: Path) -> None:
    config = _read(
        tmp_path,
        SMTP_URL="smtps://us:hush-hush@mail.example.org",
        DATABASE_URL="postgresql://us:hush-hush@db.example.org/coalition",
        FROM="news@example.org",
    )

    assert "hush-hush" not in repr(config)
    assert "news@example.org" not in repr(config)


def test_other_programs_settings_are_none_of_our_business(tmp_path: Path) -> None:
    assert read_config({"COALITION_HOME": str(tmp_path), "COALITIONS": "x", "PATH": "/bin"}).port == 8000
