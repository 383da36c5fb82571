"""`coalition doctor`"""

import json
import sys
import textwrap
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

import click

from coalition.cli.shared import Group, json_option, show
from coalition.clock import utcnow
from coalition.config import Config, read_config
from coalition.errors import BadContent
from coalition.mail import signing_key
from coalition.mail.signing_key import SigningKey
from coalition.resources import make_home
from coalition.services.checkup import domain, ground, mail_server
from coalition.services.checkup.findings import Finding, Level, advice, ok, unknown
from coalition.services.checkup.names import CannotAsk, Names


@click.group("doctor", cls=Group)
def doctor() -> None:
    """Whether the set-up is right, and keys for signing."""


@doctor.command("dkim-key")
@click.option("--selector", help="A name for the key; else that of community.toml, or `coalition`.")
@click.option("--dry-run", is_flag=True, help="Make nothing; show the record of a key that is there.")
@json_option
def dkim_key(selector: str | None, dry_run: bool, as_json: bool) -> None:
    """Make a key that signs letters (DKIM), and show the DNS record to publish. A key that is there is never replaced.

    For those whose mail server does not sign. A new key needs a new selector.

    Example: coalition doctor dkim-key --selector s2026
    """
    config = read_config()
    name = selector or config.community.dkim_selector or "coalition"
    if not signing_key.is_selector(name):
        raise BadContent("A selector is of small letters, digits and hyphens, at most 63: s2026.")
    path = signing_key.key_file(config.keys, name)
    if dry_run and not path.exists():
        click.echo(f"A key would be made: {path}. Nothing was changed.")
        return
    sender = config.community.mail_domain
    if dry_run:
        key, is_new = signing_key.read_signing_key(config.keys, sender, name), False
    else:
        make_home(config)
        key, is_new = signing_key.create_signing_key(config.keys, sender, name)
    if as_json:
        facts = {"file": str(path), "made": is_new, "selector": name, "name": key.record_name, "record": key.record}
        click.echo(json.dumps([facts], indent=2))
        return
    click.echo(
        f"{path} is {'made' if is_new else 'there already; nothing was changed'}. Back it up with the other keys."
    )
    _say_record(key, config)


def _say_record(key: SigningKey, config: Config) -> None:
    strings = "\n".join(f'"{each}"' for each in signing_key.record_strings(key.record))
    click.echo("\nPublish this in the DNS, as one record of these strings:\n")
    click.echo(f"{key.record_name}. IN TXT (\n{textwrap.indent(strings, '    ')}\n)")
    if config.community.dkim_selector != key.selector:
        click.echo(
            f'\nOnce it can be seen everywhere, set dkim_selector = "{key.selector}" in community.toml, and restart.'
        )


@doctor.command("check")
@click.option("--nameserver", help="Ask this one instead of the system's: 192.0.2.53, or 192.0.2.53:5353.")
@json_option
def check(nameserver: str | None, as_json: bool) -> None:
    """Look at keys, database, clock, mail server and DNS records. Ends with 1 where something has to be put right.

    Nothing is sent and nothing is changed.

    Example: coalition doctor check
    """
    config = read_config()
    found, rings, key = ground.check_keys(config)
    found += ground.check_database(config, rings, utcnow())
    if config.relay is not None:
        found += mail_server.check(config.relay)
    else:
        found.append(ok("mail server", "None is named: letters go to the local mailbox."))
    found += _dns(config, key, nameserver)
    show([{"about": each.about, "is": each.level, "says": each.says} for each in found], as_json=as_json, empty="")
    if any(each.level is Level.FAULT for each in found):
        sys.exit(1)


def _dns(config: Config, key: SigningKey | None, nameserver: str | None) -> Iterator[Finding]:
    if config.community.is_sample:
        yield advice("DNS", "Nothing was asked: community.toml still has the sample's identity.")
        return
    yield from domain.check_addresses(config.community)
    try:
        names = Names(_server(nameserver) if nameserver else None)
    except CannotAsk as error:
        yield unknown("DNS", f"Could not ask: {error}.")
        return
    helo = urlsplit(config.base_url).hostname or ""
    yield from domain.check(names, config.community, key, config.relay.helo if config.relay else helo)


def _server(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":") if text.count(":") == 1 else (text, "", "53")
    try:
        ip_address(host)
    except ValueError as error:
        raise BadContent("`--nameserver` is an IP address, with a port or without: 192.0.2.53:5353.") from error
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise BadContent("`--nameserver` has a port that is none.")
    return host, int(port)
