"""Return paths without tokens: of notices that have left nothing is kept; the rest keep theirs until then."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # No key is needed to forget. A notice that is composed is sent again by the path it has.
    op.execute("UPDATE notice SET return_path = NULL WHERE return_path IS NOT NULL AND state <> 'composed'")
    on_its_way = sa.text("return_path IS NOT NULL")
    op.create_index(
        "ix_notice_return_path", "notice", ["id"], sqlite_where=on_its_way, postgresql_where=on_its_way
    )


def downgrade() -> None:
    op.drop_index("ix_notice_return_path", table_name="notice")
