"""The database itself refuses to change what people agreed to; requests know what the letter to confirm says.

A migration that lets SQLite rebuild `consent` or `wording` loses their triggers and has to make them again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

APPEND_ONLY = "the consent chain only grows: erasing may empty content and salt, nothing else"
WORDINGS = "a wording is never changed: a new text is a new row"

EMPTIES = (
    "NEW.content IS NULL AND NEW.salt IS NULL AND NEW.seq = OLD.seq AND NEW.subject = OLD.subject"
    " AND NEW.content_hash = OLD.content_hash AND NEW.hash = OLD.hash"
)
APPENDS = "NEW.seq = (SELECT coalesce(max(seq), 0) + 1 FROM consent)"
KNOWN = "EXISTS (SELECT 1 FROM wording WHERE id = NEW.id)"

# INSERT OR REPLACE would delete a row past every trigger, so only the next number may come in.
SQLITE = (
    f"CREATE TRIGGER consent_appends BEFORE INSERT ON consent WHEN NOT ({APPENDS})"
    f" BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY}'); END",
    f"CREATE TRIGGER consent_stays BEFORE UPDATE ON consent WHEN NOT ({EMPTIES})"
    f" BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY}'); END",
    f"CREATE TRIGGER consent_remains BEFORE DELETE ON consent BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY}'); END",
    f"CREATE TRIGGER wording_once BEFORE INSERT ON wording WHEN {KNOWN} BEGIN SELECT RAISE(ABORT, '{WORDINGS}'); END",
    f"CREATE TRIGGER wording_stays BEFORE UPDATE ON wording BEGIN SELECT RAISE(ABORT, '{WORDINGS}'); END",
    f"CREATE TRIGGER wording_remains BEFORE DELETE ON wording BEGIN SELECT RAISE(ABORT, '{WORDINGS}'); END",
)
POSTGRESQL = (
    "CREATE FUNCTION consent_guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    f" IF TG_OP = 'INSERT' THEN IF {APPENDS} THEN RETURN NEW; END IF;"
    f" ELSIF TG_OP = 'UPDATE' THEN IF {EMPTIES} THEN RETURN NEW; END IF; END IF;"
    f" RAISE EXCEPTION '{APPEND_ONLY}'; END $$",
    "CREATE FUNCTION wording_guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    f" RAISE EXCEPTION '{WORDINGS}'; END $$",
    "CREATE TRIGGER consent_stays BEFORE INSERT OR UPDATE OR DELETE ON consent"
    " FOR EACH ROW EXECUTE FUNCTION consent_guard()",
    "CREATE TRIGGER consent_remains BEFORE TRUNCATE ON consent FOR EACH STATEMENT EXECUTE FUNCTION consent_guard()",
    "CREATE TRIGGER wording_stays BEFORE UPDATE OR DELETE ON wording FOR EACH ROW EXECUTE FUNCTION wording_guard()",
    "CREATE TRIGGER wording_remains BEFORE TRUNCATE ON wording FOR EACH STATEMENT EXECUTE FUNCTION wording_guard()",
)


def upgrade() -> None:
    with op.batch_alter_table("request") as table:
        table.add_column(sa.Column("letter_wording_id", NUMBER))
        table.create_foreign_key("fk_request_letter_wording_id", "wording", ["letter_wording_id"], ["id"])
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    names = ("consent_appends", "consent_stays", "consent_remains", "wording_once", "wording_stays", "wording_remains")
    if op.get_bind().dialect.name == "sqlite":
        for name in names:
            op.execute(f"DROP TRIGGER {name}")
    else:
        op.execute("DROP FUNCTION consent_guard() CASCADE")
        op.execute("DROP FUNCTION wording_guard() CASCADE")
    with op.batch_alter_table("request") as table:
        table.drop_constraint("fk_request_letter_wording_id", type_="foreignkey")
        table.drop_column("letter_wording_id")
