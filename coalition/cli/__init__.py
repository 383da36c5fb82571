"""The `coalition` command: thin groups over the services, one a noun."""

from coalition.cli import (
    bounces,
    databases,
    digests,
    doctor,
    feeds,
    forms,
    items,
    keys,
    outbox,
    privacy,
    run,
    subscribers,
    topics,
)
from coalition.cli.shared import Group

main = Group(
    "coalition",
    help="A self-hosted mailing list for a community of thousands. 100% privacy. We don't spam.",
    epilog="Begin with `coalition run`; the README has a path for newcomers, staff and operators.",
)
for command in (
    run.run,
    run.serve,
    run.tick,
    topics.topic,
    forms.form,
    items.item,
    feeds.feed,
    digests.digest,
    subscribers.subscriber,
    outbox.outbox,
    bounces.bounce,
    privacy.privacy,
    keys.keys_,
    databases.database,
    doctor.doctor,
):
    main.add_command(command)
