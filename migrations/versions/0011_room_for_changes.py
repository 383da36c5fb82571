"""Room on PostgreSQL's pages for rows that change (sent letters, cursors): their indexes then stay as they are."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

FILLED = {"delivery": 75, "subscription": 60}  # per cent


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table, filled in FILLED.items():
            op.execute(f"ALTER TABLE {table} SET (fillfactor = {filled})")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in FILLED:
            op.execute(f"ALTER TABLE {table} RESET (fillfactor)")
