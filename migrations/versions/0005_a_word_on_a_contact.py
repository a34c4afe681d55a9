"""A person's word on a contact, and how long it is waited for."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_UNREACHED = sa.text("first_handed_at IS NULL OR bounced_at IS NOT NULL")


def upgrade() -> None:
    op.add_column("contact", sa.Column("approved_at", sa.BigInteger(), nullable=True))
    op.add_column("contact", sa.Column("refused_by", sa.String(length=96), nullable=True))
    op.add_column("contact", sa.Column("refused_at", sa.BigInteger(), nullable=True))
    op.add_column("contact", sa.Column("word_why", sa.String(length=200), nullable=True))
    op.add_column("contact", sa.Column("waits_until", sa.BigInteger(), nullable=True))
    op.add_column("contact", sa.Column("revived_at", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_addressee_unreached",
        "addressee",
        ["contact_id"],
        unique=False,
        sqlite_where=_UNREACHED,
        postgresql_where=_UNREACHED,
    )


def downgrade() -> None:
    op.drop_index(
        "ix_addressee_unreached",
        table_name="addressee",
        sqlite_where=_UNREACHED,
        postgresql_where=_UNREACHED,
    )
    for name in ("revived_at", "waits_until", "word_why", "refused_at", "refused_by", "approved_at"):
        op.drop_column("contact", name)
