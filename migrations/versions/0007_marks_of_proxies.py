"""The proxy whose header field a host's answers bear."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("host", sa.Column("proxy_mark", sa.String(length=96), nullable=True))


def downgrade() -> None:
    op.drop_column("host", "proxy_mark")
