"""`coalition doctor`"""

import json
import textwrap

import click

from coalition.cli.shared import Group, json_option
from coalition.config import Config, read_config
from coalition.errors import BadContent
from coalition.mail import signing_key
from coalition.mail.signing_key import SigningKey
from coalition.resources import make_home


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
    domain = config.community.mail_domain
    if dry_run:
        key, is_new = signing_key.read_signing_key(config.keys, domain, name), False
    else:
        make_home(config)
        key, is_new = signing_key.create_signing_key(config.keys, domain, name)
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
