"""Columns and a table that no release wrote or read go."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_COLUMNS: tuple[tuple[str, str, sa.types.TypeEngine[object]], ...] = (
    ("hand_in", "undone_at", sa.BigInteger()),
    ("submission", "reached_by_sealed", sa.LargeBinary()),
    ("host", "probe_rule", sa.String(24)),
    ("host", "canary_answer", sa.String(200)),  # `canaries` took its place
    ("answer", "decided_at", sa.BigInteger()),
    ("answer", "automated", sa.Boolean()),
    ("answer", "redress_told", sa.Boolean()),
    ("answer", "appealed_at", sa.BigInteger()),
)


def upgrade() -> None:
    for table, column, _ in _COLUMNS:
        op.drop_column(table, column)
    op.drop_table("authority_order")


def downgrade() -> None:
    op.create_table(
        "authority_order",
        sa.Column("id", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("episode_id", _NUMBER, nullable=False),
        sa.Column("authority", sa.String(96), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("term", sa.BigInteger(), nullable=False),
        sa.Column("served_at", sa.BigInteger(), nullable=True),
        sa.Column("effect_reported_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["episode_id"], ["episode.id"], name="fk_authority_order_episode_id"),
        sa.PrimaryKeyConstraint("id", name="pk_authority_order"),
    )
    op.create_index("ix_authority_order_episode_id", "authority_order", ["episode_id"])
    for table, column, kind in _COLUMNS:
        op.add_column(table, sa.Column(column, kind, nullable=True))
