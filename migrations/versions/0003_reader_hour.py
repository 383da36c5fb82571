"""The reader's hour, modes of a pause, caps, and who planned, approved and let pass."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
WORD = sa.String(length=40)


def upgrade() -> None:
    with op.batch_alter_table("subscriber") as table:
        table.add_column(sa.Column("timezone", sa.Text()))
        table.add_column(sa.Column("weekday", NUMBER))
        table.add_column(sa.Column("hour", NUMBER))
        table.add_column(sa.Column("pause_mode", WORD, nullable=False, server_default="catch-up"))
    with op.batch_alter_table("batch") as table:
        table.add_column(sa.Column("zone", sa.Text()))
        table.add_column(sa.Column("weekday", NUMBER))
        table.add_column(sa.Column("hour", NUMBER))
    with op.batch_alter_table("issue") as table:
        table.add_column(sa.Column("planned_by", sa.Text()))
        table.add_column(sa.Column("approved_by", sa.Text()))
        table.add_column(sa.Column("allowed", sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table("variant") as table:
        table.add_column(sa.Column("more", sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table("item") as table:
        table.add_column(sa.Column("added_at", MOMENT))
    item = sa.table("item", sa.column("added_at", MOMENT), sa.column("published_at", MOMENT))
    op.execute(item.update().values(added_at=item.c.published_at))
    with op.batch_alter_table("item") as table:
        table.alter_column("added_at", existing_type=MOMENT, nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("item") as table:
        table.drop_column("added_at")
    with op.batch_alter_table("variant") as table:
        table.drop_column("more")
    with op.batch_alter_table("issue") as table:
        table.drop_column("allowed")
        table.drop_column("approved_by")
        table.drop_column("planned_by")
    with op.batch_alter_table("batch") as table:
        table.drop_column("hour")
        table.drop_column("weekday")
        table.drop_column("zone")
    with op.batch_alter_table("subscriber") as table:
        table.drop_column("pause_mode")
        table.drop_column("hour")
        table.drop_column("weekday")
        table.drop_column("timezone")
