"""Moving to another address, and links that work once."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "address_change",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("subscriber_id", NUMBER, nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("old_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("old_key", sa.LargeBinary(), nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"], name=op.f("fk_address_change_subscriber_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_change")),
        sa.UniqueConstraint("nonce", name=op.f("uq_address_change_nonce")),
    )
    op.create_index(op.f("ix_address_change_subscriber_id"), "address_change", ["subscriber_id"])
    op.create_index(op.f("ix_address_change_until"), "address_change", ["until"])
    op.create_table(
        "spent_nonce",
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("nonce", name=op.f("pk_spent_nonce")),
    )
    op.create_index(op.f("ix_spent_nonce_at"), "spent_nonce", ["at"])


def downgrade() -> None:
    op.drop_table("spent_nonce")
    op.drop_table("address_change")
