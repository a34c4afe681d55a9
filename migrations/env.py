"""Alembic's entry: runs on the connection that nta.store.schema hands over."""

from alembic import context

connection = context.config.attributes["connection"]
metadata = context.config.attributes.get("metadata")


def render_item(type_, obj, autogen_context):
    """Write our column types as plain SQL types: migrations import nothing from nta."""
    if type_ == "type" and obj.__class__.__module__.startswith(("nta.", "flask_security")):
        sealed = obj.__class__.__name__.endswith("Sealed")
        plain = obj.impl if hasattr(obj, "impl") and not sealed else obj
        name = "LargeBinary" if sealed else plain.__class__.__name__
        return f"sa.{name}()"
    return False


context.configure(
    connection=connection, target_metadata=metadata, render_item=render_item, transaction_per_migration=True
)
with context.begin_transaction():
    context.run_migrations()
