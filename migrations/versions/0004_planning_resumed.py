"""How far planning came, for whoever goes on with it: when, and who was left out."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("issue") as table:
        table.add_column(sa.Column("left_out", sa.JSON(), nullable=False, server_default="{}"))
        table.add_column(sa.Column("dealt_at", MOMENT))
    issue = sa.table("issue", sa.column("dealt_at", MOMENT), sa.column("created_at", MOMENT))
    op.execute(issue.update().values(dealt_at=issue.c.created_at))
    with op.batch_alter_table("issue") as table:
        table.alter_column("dealt_at", existing_type=MOMENT, nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("issue") as table:
        table.drop_column("dealt_at")
        table.drop_column("left_out")
