"""Usage and trials.

Revision: 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move forward; safe while the previous release still runs."""
    op.add_column("accounts", sa.Column("trial_reminded_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_accounts_trial_ends_at",
        "accounts",
        ["trial_ends_at"],
        unique=False,
        postgresql_where=sa.text("trial_state = 'running'"),
    )
    op.create_table(
        "trial_claims",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("programme", "identity", name=op.f("pk_trial_claims")),
    )
    _usage()
    _quotas()


def _usage() -> None:
    op.create_table(
        "usage_reports",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("report_id", sa.Text(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('value', 'delta')", name=op.f("ck_usage_reports_kind")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_usage_reports_account_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_usage_reports")),
    )
    op.create_index(
        "uq_usage_reports_report_id",
        "usage_reports",
        ["account_id", "report_id"],
        unique=True,
        postgresql_where=sa.text("report_id IS NOT NULL"),
    )
    op.create_index("ix_usage_reports_account_id", "usage_reports", ["account_id", "metric", "at", "seq"], unique=False)
    op.create_table(
        "usage_days",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("level", sa.BigInteger(), nullable=True),
        sa.Column("level_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("level_seq", sa.BigInteger(), nullable=True),
        sa.Column("deltas", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("after_level", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("(level IS NULL) = (level_seq IS NULL)", name=op.f("ck_usage_days_level_whole")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_usage_days_account_id")),
        sa.PrimaryKeyConstraint("account_id", "metric", "day", name=op.f("pk_usage_days")),
    )
    op.create_index(
        "ix_usage_days_level",
        "usage_days",
        ["account_id", "metric", "day"],
        unique=False,
        postgresql_where=sa.text("level_seq IS NOT NULL"),
    )


def _quotas() -> None:
    op.create_table(
        "quota_notices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("allowed", sa.BigInteger(), nullable=False),
        sa.Column("threshold", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("resets", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mail_id", sa.Uuid(), nullable=True),
        sa.Column("reseller_id", sa.Uuid(), nullable=True),
        sa.Column("digest_hour", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("threshold IN ('warning', 'reached', 'exceeded')", name=op.f("ck_quota_notices_threshold")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_quota_notices_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quota_notices")),
    )
    once = ["account_id", "metric", "period_start", "allowed", "threshold"]
    op.create_index("uq_quota_notices_once", "quota_notices", once, unique=True)
    untold, digest = sa.text("told_at IS NULL"), sa.text("digest_hour IS NOT NULL")
    op.create_index("ix_quota_notices_untold", "quota_notices", ["at"], unique=False, postgresql_where=untold)
    op.create_index(
        "ix_quota_notices_digest",
        "quota_notices",
        ["reseller_id", "digest_hour"],
        unique=False,
        postgresql_where=digest,
    )
    op.create_table(
        "quota_hours",
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("copies", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("closed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(["reseller_id"], ["accounts.id"], name=op.f("fk_quota_hours_reseller_id")),
        sa.PrimaryKeyConstraint("reseller_id", "hour", name=op.f("pk_quota_hours")),
    )
