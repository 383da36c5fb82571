"""How far the database has read the journal."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "journal_mark",
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("last", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("stream", name=op.f("pk_journal_mark")),
    )


def downgrade() -> None:
    op.drop_table("journal_mark")
