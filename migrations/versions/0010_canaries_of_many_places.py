"""How a host answered made-up pages, in a column that holds the answers of any number of vantage points."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # `canary_answer` stays for the release before; what it holds is asked again within the day.
    op.add_column("host", sa.Column("canaries", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("host", "canaries")
