"""Topics that people have to agree to expressly, and what they agreed to so."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("topic") as table:
        table.add_column(sa.Column("explicit_id", NUMBER))
        table.create_foreign_key("fk_topic_explicit_id", "wording", ["explicit_id"], ["id"])
    op.add_column("request", sa.Column("explicit", sa.JSON()))


def downgrade() -> None:
    with op.batch_alter_table("request") as table:
        table.drop_column("explicit")
    with op.batch_alter_table("topic") as table:
        table.drop_constraint("fk_topic_explicit_id", type_="foreignkey")
        table.drop_column("explicit_id")
