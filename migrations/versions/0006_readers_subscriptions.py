"""Find all subscriptions of a reader, ended ones too, without reading the table: a sender does before every group."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_subscription_subscriber_id", "subscription", ["subscriber_id"])


def downgrade() -> None:
    op.drop_index("ix_subscription_subscriber_id", "subscription")
