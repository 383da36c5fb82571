"""What stops and slows sending, shared by all senders."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
NAMES = ("breaker", "until", "since", "strikes", "openings", "width", "worker", "reason")


def upgrade() -> None:
    with op.batch_alter_table("pacing") as table:
        table.add_column(sa.Column("breaker", sa.String(length=40)))
        table.add_column(sa.Column("until", MOMENT))
        table.add_column(sa.Column("since", MOMENT))
        for name in ("strikes", "openings", "width"):
            table.add_column(sa.Column(name, NUMBER, nullable=False, server_default="0"))
        table.add_column(sa.Column("worker", sa.Text()))
        table.add_column(sa.Column("reason", sa.Text()))


def downgrade() -> None:
    with op.batch_alter_table("pacing") as table:
        for name in reversed(NAMES):
            table.drop_column(name)
