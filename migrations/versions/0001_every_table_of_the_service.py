"""Every table of the service."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_batch",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("sealed_at", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("chained", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit_batch"),
    )
    op.create_table(
        "audit_entry",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=96), nullable=False),
        sa.Column("act", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=True),
        sa.Column("detail", sa.String(length=200), nullable=True),
        sa.Column("batch", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entry"),
    )
    op.create_index("ix_audit_entry_batch", "audit_entry", ["batch"], unique=False)
    op.create_table(
        "desk_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("description", sa.String(length=200), nullable=True),
        sa.Column("permissions", sa.UnicodeText(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_desk_role"),
        sa.UniqueConstraint("name", name="uq_desk_role_name"),
    )
    op.create_table(
        "desk_user",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("password", sa.String(length=255), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("fs_uniquifier", sa.String(length=64), nullable=False),
        sa.Column("create_datetime", sa.BigInteger(), nullable=False),
        sa.Column("update_datetime", sa.BigInteger(), nullable=False),
        sa.Column("tf_primary_method", sa.String(length=64), nullable=True),
        sa.Column("tf_totp_secret", sa.String(length=255), nullable=True),
        sa.Column("totp_counter", sa.Integer(), nullable=True),
        sa.Column("mf_recovery_codes", sa.UnicodeText(), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_desk_user"),
        sa.UniqueConstraint("email", name="uq_desk_user_email"),
        sa.UniqueConstraint("fs_uniquifier", name="uq_desk_user_fs_uniquifier"),
    )
    op.create_table(
        "domain",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("suffix", sa.String(length=64), nullable=False),
        sa.Column("registrar_party", sa.String(length=96), nullable=True),
        sa.Column("registry_party", sa.String(length=96), nullable=True),
        sa.Column("status", sa.String(length=200), nullable=True),
        sa.Column("dedicated", sa.String(length=8), server_default="unknown", nullable=False),
        sa.Column("dedicated_by", sa.String(length=64), nullable=True),
        sa.Column("dedicated_at", sa.BigInteger(), nullable=True),
        sa.Column("dedicated_why", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_domain"),
        sa.UniqueConstraint("digest", name="uq_domain_digest"),
    )
    op.create_table(
        "due",
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column(
            "subject",
            sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("taken_by", sa.String(length=32), nullable=True),
        sa.Column("taken_until", sa.BigInteger(), nullable=True),
        sa.Column(
            "tries", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), server_default="0", nullable=False
        ),
        sa.Column("owner", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("kind", "subject", name="pk_due"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_due_when", "due", ["kind", "due_at"], unique=False)
    op.create_table(
        "finding",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("value_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("problem", sa.String(length=200), nullable=True),
        sa.Column("temporary", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_finding"),
    )
    op.create_index("ix_finding_subject", "finding", ["digest", "asked_at"], unique=False)
    op.create_table(
        "frozen_report",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=96), nullable=False),
        sa.Column("parameters", sa.String(length=2000), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("figures", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_frozen_report"),
    )
    op.create_table(
        "hand_in",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("way", sa.String(length=24), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("accepted", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("refused", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("undone_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_hand_in"),
        sa.UniqueConstraint("who", "key", name="uq_hand_in_who_key"),
    )
    op.create_table(
        "party",
        sa.Column("id", sa.String(length=96), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_party"),
    )
    op.create_table(
        "process_start",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("number", name="pk_process_start"),
    )
    op.create_table(
        "switch",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("value", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(length=96), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_switch"),
    )
    op.create_table(
        "contact",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("party", sa.String(length=96), nullable=False),
        sa.Column("way", sa.String(length=8), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("format", sa.String(length=8), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("health", sa.String(length=8), server_default="fine", nullable=False),
        sa.Column("health_why", sa.String(length=200), nullable=True),
        sa.Column("health_at", sa.BigInteger(), nullable=True),
        sa.Column("approved_by", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["party"], ["party.id"], name="fk_contact_party"),
        sa.PrimaryKeyConstraint("id", name="pk_contact"),
        sa.UniqueConstraint("party", "way", "address", name="uq_contact_party_way_address"),
    )
    op.create_table(
        "desk_user_role",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("role_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["role_id"], ["desk_role.id"], name="fk_desk_user_role_role_id"),
        sa.ForeignKeyConstraint(["user_id"], ["desk_user.id"], name="fk_desk_user_role_user_id"),
        sa.PrimaryKeyConstraint("user_id", "role_id", name="pk_desk_user_role"),
    )
    op.create_table(
        "finding_range",
        sa.Column(
            "finding_id",
            sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("first", sa.LargeBinary(length=16), nullable=False),
        sa.Column("last", sa.LargeBinary(length=16), nullable=False),
        sa.ForeignKeyConstraint(["finding_id"], ["finding.id"], name="fk_finding_range_finding_id"),
        sa.PrimaryKeyConstraint("finding_id", "first", name="pk_finding_range"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_finding_range_last", "finding_range", ["last", "first"], unique=False)
    op.create_table(
        "hand_in_line",
        sa.Column(
            "hand_in_id",
            sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column(
            "line", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("submission_id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("input_sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["hand_in_id"], ["hand_in.id"], name="fk_hand_in_line_hand_in_id"),
        sa.PrimaryKeyConstraint("hand_in_id", "line", name="pk_hand_in_line"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "host",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("port", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("is_ip", sa.Boolean(), nullable=False),
        sa.Column("domain_id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=True),
        sa.Column("arrangement_id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=True),
        sa.Column("suspect_id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=True),
        sa.Column(
            "missed_looks",
            sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"),
            server_default="0",
            nullable=False,
        ),
        sa.Column("missed_since", sa.BigInteger(), nullable=True),
        sa.Column("forced_party", sa.String(length=96), nullable=True),
        sa.Column("forced_origin_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("forced_reason", sa.String(length=200), nullable=True),
        sa.Column("forced_until", sa.BigInteger(), nullable=True),
        sa.Column("probe_rule", sa.String(length=24), nullable=True),
        sa.Column("canary_answer", sa.String(length=200), nullable=True),
        sa.Column("canary_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["domain_id"], ["domain.id"], name="fk_host_domain_id"),
        sa.PrimaryKeyConstraint("id", name="pk_host"),
        sa.UniqueConstraint("digest", name="uq_host_digest"),
    )
    op.create_index("ix_host_domain_id", "host", ["domain_id"], unique=False)
    op.create_table(
        "arrangement",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("host_id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("facts_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("facts_at", sa.BigInteger(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["host_id"], ["host.id"], name="fk_arrangement_host_id"),
        sa.PrimaryKeyConstraint("id", name="pk_arrangement"),
    )
    op.create_index("ix_arrangement_host_id", "arrangement", ["host_id"], unique=False)
    op.create_table(
        "case",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("reference", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("host_id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("url_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("class_scheme", sa.String(length=24), nullable=False),
        sa.Column("class_value", sa.String(length=24), nullable=False),
        sa.Column("severity", sa.String(length=8), nullable=False),
        sa.Column("scope", sa.String(length=12), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("referrer_sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["host_id"], ["host.id"], name="fk_case_host_id"),
        sa.PrimaryKeyConstraint("id", name="pk_case"),
        sa.UniqueConstraint("digest", name="uq_case_digest"),
        sa.UniqueConstraint("reference", name="uq_case_reference"),
    )
    op.create_index("ix_case_host_id", "case", ["host_id"], unique=False)
    op.create_table(
        "notice",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("reference", sa.String(length=16), nullable=False),
        sa.Column("party", sa.String(length=96), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column("contact_id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("rung", sa.String(length=32), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("format", sa.String(length=8), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("severity", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("queued_at", sa.BigInteger(), nullable=False),
        sa.Column("composed_at", sa.BigInteger(), nullable=True),
        sa.Column("message_id", sa.String(length=128), nullable=True),
        sa.Column("return_digest", sa.LargeBinary(length=16), nullable=True),
        sa.Column("sent_to", sa.String(length=254), nullable=True),
        sa.Column("return_path", sa.String(length=254), nullable=True),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("handed_at", sa.BigInteger(), nullable=True),
        sa.Column("accepted_at", sa.BigInteger(), nullable=True),
        sa.Column("bounced_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name="fk_notice_contact_id"),
        sa.ForeignKeyConstraint(["party"], ["party.id"], name="fk_notice_party"),
        sa.PrimaryKeyConstraint("id", name="pk_notice"),
        sa.UniqueConstraint("message_id", name="uq_notice_message_id"),
        sa.UniqueConstraint("reference", name="uq_notice_reference"),
        sa.UniqueConstraint("return_digest", name="uq_notice_return_digest"),
    )
    op.create_index("ix_notice_party", "notice", ["party"], unique=False)
    op.create_table(
        "arrangement_party",
        sa.Column(
            "arrangement_id",
            sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("party", sa.String(length=96), nullable=True),
        sa.Column("proxy", sa.String(length=96), nullable=True),
        sa.Column("asn", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=True),
        sa.Column("network", sa.String(length=200), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["arrangement_id"], ["arrangement.id"], name="fk_arrangement_party_arrangement_id"
        ),
        sa.PrimaryKeyConstraint("arrangement_id", "address", name="pk_arrangement_party"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "episode",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("case_id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("host_id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("number", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("arrangement_id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=True),
        sa.Column("ladder", sa.String(length=64), nullable=True),
        sa.Column("ladder_version", sa.String(length=24), nullable=True),
        sa.Column("severity", sa.String(length=8), nullable=False),
        sa.Column("stage", sa.String(length=12), nullable=False),
        sa.Column("presence", sa.String(length=8), nullable=False),
        sa.Column("outcome", sa.String(length=24), nullable=True),
        sa.Column("actor", sa.String(length=12), nullable=True),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("looked_at", sa.BigInteger(), nullable=True),
        sa.Column("last_verdict", sa.String(length=12), nullable=True),
        sa.Column("last_cause", sa.String(length=20), nullable=True),
        sa.Column("last_up_at", sa.BigInteger(), nullable=True),
        sa.Column("first_gone_at", sa.BigInteger(), nullable=True),
        sa.Column("proven_gone_at", sa.BigInteger(), nullable=True),
        sa.Column("paused_since", sa.BigInteger(), nullable=True),
        sa.Column("paused", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("one_vantage", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.Column(
            "returns",
            sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"),
            server_default="0",
            nullable=False,
        ),
        sa.Column("first_handed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name="fk_episode_case_id"),
        sa.ForeignKeyConstraint(["host_id"], ["host.id"], name="fk_episode_host_id"),
        sa.PrimaryKeyConstraint("id", name="pk_episode"),
        sa.UniqueConstraint("case_id", "number", name="uq_episode_case_id_number"),
    )
    op.create_index(
        "ix_episode_open_host",
        "episode",
        ["host_id"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "mail",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("notice_id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=True),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name="fk_mail_notice_id"),
        sa.PrimaryKeyConstraint("id", name="pk_mail"),
        sa.UniqueConstraint("digest", name="uq_mail_digest"),
    )
    op.create_index("ix_mail_notice_id", "mail", ["notice_id"], unique=False)
    op.create_table(
        "notice_event",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("notice_id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("proof", sa.String(length=400), nullable=True),
        sa.Column("settled", sa.Boolean(), server_default=sa.text("(true)"), nullable=False),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name="fk_notice_event_notice_id"),
        sa.PrimaryKeyConstraint("id", name="pk_notice_event"),
    )
    op.create_index(
        "ix_notice_event_new",
        "notice_event",
        ["id"],
        unique=False,
        sqlite_where=sa.text("settled = false"),
        postgresql_where=sa.text("settled = false"),
    )
    op.create_index("ix_notice_event_notice_id", "notice_event", ["notice_id"], unique=False)
    op.create_table(
        "portal_link",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("notice_id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name="fk_portal_link_notice_id"),
        sa.PrimaryKeyConstraint("id", name="pk_portal_link"),
        sa.UniqueConstraint("digest", name="uq_portal_link_digest"),
        sa.UniqueConstraint("notice_id", name="uq_portal_link_notice_id"),
    )
    op.create_table(
        "submission",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("case_id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("hand_in_id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=True),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("their_reference", sa.String(length=200), nullable=True),
        sa.Column("their_group", sa.String(length=200), nullable=True),
        sa.Column("reported_at", sa.BigInteger(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=False),
        sa.Column("submitted_at", sa.BigInteger(), nullable=False),
        sa.Column("class_scheme", sa.String(length=24), nullable=False),
        sa.Column("class_value", sa.String(length=24), nullable=False),
        sa.Column("law", sa.String(length=64), nullable=True),
        sa.Column("severity", sa.String(length=8), nullable=False),
        sa.Column("programme", sa.String(length=64), nullable=True),
        sa.Column("scope", sa.String(length=12), nullable=False),
        sa.Column("referrer_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("reached_by_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name="fk_submission_case_id"),
        sa.ForeignKeyConstraint(["hand_in_id"], ["hand_in.id"], name="fk_submission_hand_in_id"),
        sa.PrimaryKeyConstraint("id", name="pk_submission"),
    )
    op.create_index("ix_submission_case_id", "submission", ["case_id"], unique=False)
    op.create_table(
        "addressee",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("episode_id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("party", sa.String(length=96), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column("contact_id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=True),
        sa.Column("why", sa.String(length=200), nullable=False),
        sa.Column("rung", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("waiting_since", sa.BigInteger(), nullable=True),
        sa.Column("first_handed_at", sa.BigInteger(), nullable=True),
        sa.Column("accepted_at", sa.BigInteger(), nullable=True),
        sa.Column("presumed", sa.Boolean(), server_default=sa.text("(true)"), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=True),
        sa.Column("first_answer_at", sa.BigInteger(), nullable=True),
        sa.Column("answer", sa.String(length=16), nullable=True),
        sa.Column("bounced_at", sa.BigInteger(), nullable=True),
        sa.Column("released_at", sa.BigInteger(), nullable=True),
        sa.Column("released_why", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name="fk_addressee_contact_id"),
        sa.ForeignKeyConstraint(["episode_id"], ["episode.id"], name="fk_addressee_episode_id"),
        sa.ForeignKeyConstraint(["party"], ["party.id"], name="fk_addressee_party"),
        sa.PrimaryKeyConstraint("id", name="pk_addressee"),
        sa.UniqueConstraint("episode_id", "party", "role", name="uq_addressee_episode_id_party_role"),
    )
    op.create_index(
        "ix_addressee_waiting",
        "addressee",
        ["waiting_since"],
        unique=False,
        sqlite_where=sa.text("waiting_since IS NOT NULL"),
        postgresql_where=sa.text("waiting_since IS NOT NULL"),
    )
    op.create_table(
        "authority_order",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("episode_id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("authority", sa.String(length=96), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("term", sa.BigInteger(), nullable=False),
        sa.Column("served_at", sa.BigInteger(), nullable=True),
        sa.Column("effect_reported_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["episode_id"], ["episode.id"], name="fk_authority_order_episode_id"),
        sa.PrimaryKeyConstraint("id", name="pk_authority_order"),
    )
    op.create_index("ix_authority_order_episode_id", "authority_order", ["episode_id"], unique=False)
    op.create_table(
        "event",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("episode_id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("who", sa.String(length=96), nullable=False),
        sa.Column("why", sa.String(length=200), nullable=True),
        sa.Column("stage", sa.String(length=12), nullable=False),
        sa.Column("presence", sa.String(length=8), nullable=False),
        sa.Column("subject", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["episode_id"], ["episode.id"], name="fk_event_episode_id"),
        sa.PrimaryKeyConstraint("id", name="pk_event"),
    )
    op.create_index("ix_event_episode_id", "event", ["episode_id"], unique=False)
    op.create_table(
        "sighting_span",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("episode_id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("vantage", sa.String(length=24), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("longest_gap", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.String(length=12), nullable=False),
        sa.Column("cause", sa.String(length=20), nullable=False),
        sa.Column("rule", sa.String(length=32), nullable=False),
        sa.Column("status", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=True),
        sa.Column("length", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=True),
        sa.Column("address", sa.String(length=45), nullable=True),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["episode_id"], ["episode.id"], name="fk_sighting_span_episode_id"),
        sa.PrimaryKeyConstraint("id", name="pk_sighting_span"),
    )
    op.create_index(
        "ix_sighting_span_current",
        "sighting_span",
        ["episode_id", "vantage"],
        unique=True,
        sqlite_where=sa.text("current"),
        postgresql_where=sa.text("current"),
    )
    op.create_table(
        "notice_item",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("notice_id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("addressee_id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("episode_id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("position", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("case_reference", sa.String(length=16), nullable=False),
        sa.Column("location_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("portal_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("addresses", sa.String(length=200), nullable=True),
        sa.Column("port", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=True),
        sa.Column("last_up_at", sa.BigInteger(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("law", sa.String(length=64), nullable=True),
        sa.Column("scope", sa.String(length=12), nullable=False),
        sa.Column("left_at", sa.BigInteger(), nullable=True),
        sa.Column("left_why", sa.String(length=24), nullable=True),
        sa.ForeignKeyConstraint(["addressee_id"], ["addressee.id"], name="fk_notice_item_addressee_id"),
        sa.ForeignKeyConstraint(["episode_id"], ["episode.id"], name="fk_notice_item_episode_id"),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name="fk_notice_item_notice_id"),
        sa.PrimaryKeyConstraint("id", name="pk_notice_item"),
        sa.UniqueConstraint("notice_id", "addressee_id", name="uq_notice_item_notice_id_addressee_id"),
    )
    op.create_index("ix_notice_item_addressee_id", "notice_item", ["addressee_id"], unique=False)
    op.create_index("ix_notice_item_episode_id", "notice_item", ["episode_id"], unique=False)
    op.create_table(
        "answer",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("item_id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("way", sa.String(length=8), nullable=False),
        sa.Column("says", sa.String(length=16), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("whose", sa.String(length=200), nullable=True),
        sa.Column("why_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("automated", sa.Boolean(), nullable=True),
        sa.Column("redress_told", sa.Boolean(), nullable=True),
        sa.Column("appealed_at", sa.BigInteger(), nullable=True),
        sa.Column("settled", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["notice_item.id"], name="fk_answer_item_id"),
        sa.PrimaryKeyConstraint("id", name="pk_answer"),
    )
    op.create_index("ix_answer_item_id", "answer", ["item_id"], unique=False)
    op.create_index(
        "ix_answer_new",
        "answer",
        ["id"],
        unique=False,
        sqlite_where=sa.text("settled = false"),
        postgresql_where=sa.text("settled = false"),
    )


def downgrade() -> None:
    op.drop_index(
        "ix_answer_new",
        table_name="answer",
        sqlite_where=sa.text("settled = false"),
        postgresql_where=sa.text("settled = false"),
    )
    op.drop_index("ix_answer_item_id", table_name="answer")
    op.drop_table("answer")
    op.drop_index("ix_notice_item_episode_id", table_name="notice_item")
    op.drop_index("ix_notice_item_addressee_id", table_name="notice_item")
    op.drop_table("notice_item")
    op.drop_index(
        "ix_sighting_span_current",
        table_name="sighting_span",
        sqlite_where=sa.text("current"),
        postgresql_where=sa.text("current"),
    )
    op.drop_table("sighting_span")
    op.drop_index("ix_event_episode_id", table_name="event")
    op.drop_table("event")
    op.drop_index("ix_authority_order_episode_id", table_name="authority_order")
    op.drop_table("authority_order")
    op.drop_index(
        "ix_addressee_waiting",
        table_name="addressee",
        sqlite_where=sa.text("waiting_since IS NOT NULL"),
        postgresql_where=sa.text("waiting_since IS NOT NULL"),
    )
    op.drop_table("addressee")
    op.drop_index("ix_submission_case_id", table_name="submission")
    op.drop_table("submission")
    op.drop_table("portal_link")
    op.drop_index("ix_notice_event_notice_id", table_name="notice_event")
    op.drop_index(
        "ix_notice_event_new",
        table_name="notice_event",
        sqlite_where=sa.text("settled = false"),
        postgresql_where=sa.text("settled = false"),
    )
    op.drop_table("notice_event")
    op.drop_index("ix_mail_notice_id", table_name="mail")
    op.drop_table("mail")
    op.drop_index(
        "ix_episode_open_host",
        table_name="episode",
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.drop_table("episode")
    op.drop_table("arrangement_party")
    op.drop_index("ix_notice_party", table_name="notice")
    op.drop_table("notice")
    op.drop_index("ix_case_host_id", table_name="case")
    op.drop_table("case")
    op.drop_index("ix_arrangement_host_id", table_name="arrangement")
    op.drop_table("arrangement")
    op.drop_index("ix_host_domain_id", table_name="host")
    op.drop_table("host")
    op.drop_table("hand_in_line")
    op.drop_index("ix_finding_range_last", table_name="finding_range")
    op.drop_table("finding_range")
    op.drop_table("desk_user_role")
    op.drop_table("contact")
    op.drop_table("switch")
    op.drop_table("process_start")
    op.drop_table("party")
    op.drop_table("hand_in")
    op.drop_table("frozen_report")
    op.drop_index("ix_finding_subject", table_name="finding")
    op.drop_table("finding")
    op.drop_index("ix_due_when", table_name="due")
    op.drop_table("due")
    op.drop_table("domain")
    op.drop_table("desk_user")
    op.drop_table("desk_role")
    op.drop_index("ix_audit_entry_batch", table_name="audit_entry")
    op.drop_table("audit_entry")
    op.drop_table("audit_batch")
