"""What a page was like when it was first seen: a page that changes is judged beside it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sighting_span", sa.Column("first_trace", sa.String(length=160), nullable=True))


def downgrade() -> None:
    op.drop_column("sighting_span", "first_trace")
