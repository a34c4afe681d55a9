"""Leads' approvals of notices, how many a notice needs, and when a hold ends."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "approval",
        sa.Column(
            "notice_id",
            sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("who", sa.String(length=96), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name="fk_approval_notice_id_notice"),
        sa.PrimaryKeyConstraint("notice_id", "who", name="pk_approval"),
        sqlite_with_rowid=False,
    )
    op.add_column(
        "notice",
        sa.Column(
            "leads",
            sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"),
            nullable=False,
            server_default="0",
        ),
    )
    op.add_column("episode", sa.Column("held_until", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("episode", "held_until")
    op.drop_column("notice", "leads")
    op.drop_table("approval")
