"""Runs migrations on the connection that `coalition.schema` opened: locked, in one transaction, foreign keys off."""

from typing import Any

from alembic import context


def as_plain_types(kind: str, item: Any, _autogenerate: Any) -> str | bool:
    """Write our own column types plainly, so that a migration never imports the models it must outlive."""
    if kind == "type" and type(item).__name__ == "UtcDateTime":
        return "sa.DateTime(timezone=True)"
    if kind == "type" and type(item).__name__ == "Enum":
        return "sa.String(length=40)"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes["metadata"],
    render_as_batch=True,
    render_item=as_plain_types,
    compare_type=True,
)
context.run_migrations()
