"""Recurring fees: runs, charges, and resellers' changes to their products.

Revision: 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move forward; safe while the previous release still runs."""
    op.create_table(
        "fee_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("anchor", sa.Date(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("next_start", sa.Date(), nullable=False),
        sa.Column("then_plan", sa.Text(), nullable=True),
        sa.Column("retail_fee", sa.Numeric(precision=20, scale=4), nullable=True),
        sa.Column("monthly", sa.Numeric(precision=20, scale=4), nullable=True),
        sa.Column("stopped_by", sa.Text(), nullable=True),
        sa.Column("ended", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('plan', 'product')", name=op.f("ck_fee_runs_kind")),
        sa.CheckConstraint(
            "stopped_by IN ('request', 'replaced', 'disconnected', 'became_reseller', 'account_deleted', 'not_sold')",
            name=op.f("ck_fee_runs_stopped_by"),
        ),
        sa.CheckConstraint("until IS NULL OR until > since", name=op.f("ck_fee_runs_ends_later")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_fee_runs_account_id")),
        sa.ForeignKeyConstraint(["programme"], ["programmes.code"], name=op.f("fk_fee_runs_programme")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fee_runs")),
    )
    op.create_index("ix_fee_runs_account_id", "fee_runs", ["account_id", "id"], unique=False)
    op.create_index(
        "ix_fee_runs_due",
        "fee_runs",
        ["programme", "next_start", "id"],
        unique=False,
        postgresql_where=sa.text("NOT ended"),
    )
    op.create_index(
        "uq_fee_runs_plan",
        "fee_runs",
        ["account_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'plan' AND NOT ended"),
    )
    op.create_index(
        "uq_fee_runs_product",
        "fee_runs",
        ["account_id", "code"],
        unique=True,
        postgresql_where=sa.text("kind = 'product' AND NOT ended"),
    )
    op.create_table(
        "product_edits",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("retail_fee", sa.Numeric(precision=20, scale=4), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["programme"], ["programmes.code"], name=op.f("fk_product_edits_programme")),
        sa.ForeignKeyConstraint(["reseller_id"], ["accounts.id"], name=op.f("fk_product_edits_reseller_id")),
        sa.PrimaryKeyConstraint("programme", "product", "reseller_id", name=op.f("pk_product_edits")),
    )
    op.create_table(
        "charges",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("reseller_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("fee", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("percent", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("discount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("total", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("how", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("void_reason", sa.Text(), nullable=True),
        sa.Column("voided_by", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('plan', 'product')", name=op.f("ck_charges_kind")),
        sa.CheckConstraint("(voided_at IS NULL) = (void_reason IS NULL)", name=op.f("ck_charges_void_reason")),
        sa.CheckConstraint("fee - discount = total", name=op.f("ck_charges_adds_up")),
        sa.CheckConstraint("period_end > period_start", name=op.f("ck_charges_ends_later")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_charges_account_id")),
        sa.ForeignKeyConstraint(["programme"], ["programmes.code"], name=op.f("fk_charges_programme")),
        sa.ForeignKeyConstraint(["reseller_id"], ["accounts.id"], name=op.f("fk_charges_reseller_id")),
        sa.ForeignKeyConstraint(["run_id"], ["fee_runs.id"], name=op.f("fk_charges_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_charges")),
        sa.UniqueConstraint("run_id", "period_start", name=op.f("uq_charges_run_id_period_start")),
    )
    op.create_index("ix_charges_account_id", "charges", ["account_id", "period_start", "id"], unique=False)
    op.create_index("ix_charges_programme", "charges", ["programme", "period_start"], unique=False)
    op.create_index("ix_charges_reseller_id", "charges", ["reseller_id", "period_start", "id"], unique=False)
