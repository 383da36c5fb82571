"""`coalition digest`: from a plan to the last letter, a room for each part of the way."""

from coalition.cli import following, planning, previewing, sending
from coalition.cli.shared import Group

digest = Group("digest", help="Digests: plan, preview, test, send.")
for command in (
    planning.plan,
    previewing.preview,
    previewing.test,
    sending.approve,
    sending.send,
    following.status,
    sending.hold,
    sending.resume,
    sending.cancel,
    following.list_,
):
    digest.add_command(command)
