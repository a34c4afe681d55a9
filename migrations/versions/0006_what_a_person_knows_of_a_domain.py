"""What a person knows of who serves a whole domain, and who entered it when; for hosts too."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_NEW = {
    "domain": (
        ("forced_party", sa.String(length=96)),
        ("forced_origin_sealed", sa.LargeBinary()),
        ("forced_reason", sa.String(length=200)),
        ("forced_until", sa.BigInteger()),
        ("forced_by", sa.String(length=96)),
        ("forced_at", sa.BigInteger()),
    ),
    "host": (("forced_by", sa.String(length=96)), ("forced_at", sa.BigInteger())),
}


def upgrade() -> None:
    for table, columns in _NEW.items():
        for name, kind in columns:
            op.add_column(table, sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    for table, columns in _NEW.items():
        for name, _ in columns:
            op.drop_column(table, name)
