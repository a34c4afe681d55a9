"""When a step that somebody is at was wanted: it is due again then."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("due", sa.Column("wanted_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("due", "wanted_at")
