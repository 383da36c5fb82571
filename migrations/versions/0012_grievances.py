"""Complaints about how personal data is handled."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
KEYS = ("address_key", "acknowledgement_id", "answer_id")


def upgrade() -> None:
    op.create_table(
        "grievance",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("address_sealed", sa.LargeBinary()),
        sa.Column("address_key", sa.LargeBinary()),
        sa.Column("text_sealed", sa.LargeBinary()),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("doubtful", sa.Boolean(), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("acknowledgement_id", NUMBER),
        sa.Column("answer_sealed", sa.LargeBinary()),
        sa.Column("answer_id", NUMBER),
        sa.Column("answered_at", MOMENT),
        sa.ForeignKeyConstraint(["acknowledgement_id"], ["delivery.id"], name=op.f("fk_grievance_acknowledgement_id")),
        sa.ForeignKeyConstraint(["answer_id"], ["delivery.id"], name=op.f("fk_grievance_answer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grievance")),
        sa.UniqueConstraint("code", name=op.f("uq_grievance_code")),
    )
    for column in KEYS:
        op.create_index(op.f(f"ix_grievance_{column}"), "grievance", [column])


def downgrade() -> None:
    op.drop_table("grievance")
