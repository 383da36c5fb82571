"""When what a topic is for has changed."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("topic", sa.Column("purpose_since", sa.DateTime(timezone=True)))


def downgrade() -> None:
    with op.batch_alter_table("topic") as table:
        table.drop_column("purpose_since")
