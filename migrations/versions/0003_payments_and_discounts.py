"""Payments and discounts.

Revision: 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move forward; safe while the previous release still runs."""
    op.create_table(
        "discount_records",
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("turnover", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("tier", sa.Text(), nullable=True),
        sa.Column("percent", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("reseller_id", "day", name=op.f("pk_discount_records")),
    )
    op.create_table(
        "discounts",
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("turnover", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("tier", sa.Text(), nullable=True),
        sa.Column("percent", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("reseller_id", name=op.f("pk_discounts")),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_table(
        "discount_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), server_default="computing", nullable=False),
        sa.Column("ranges", sa.Integer(), nullable=False),
        sa.Column("computed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("applied", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("resellers", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("moved", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("guard_rail", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('computing', 'held', 'applying', 'done', 'rejected', 'superseded')",
            name=op.f("ck_discount_runs_state"),
        ),
        sa.ForeignKeyConstraint(["programme"], ["programmes.code"], name=op.f("fk_discount_runs_programme")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discount_runs")),
    )
    op.create_index("ix_discount_runs_programme", "discount_runs", ["programme", "day"], unique=False)
    op.create_table(
        "discount_findings",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("tomorrow", sa.Text(), nullable=True),
        sa.Column("turnover", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("turnover_tomorrow", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("percent", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("changed", sa.Boolean(), nullable=False),
        sa.Column("moved", sa.Boolean(), nullable=False),
        sa.Column("falls", sa.Boolean(), nullable=False),
        sa.Column("known", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["discount_runs.id"], name=op.f("fk_discount_findings_run_id")),
        sa.PrimaryKeyConstraint("run_id", "reseller_id", name=op.f("pk_discount_findings")),
    )
    op.create_table(
        "discount_run_ranges",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("first_id", sa.Uuid(), nullable=False),
        sa.Column("last_id", sa.Uuid(), nullable=False),
        sa.Column("computed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("applied", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("told_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["discount_runs.id"], name=op.f("fk_discount_run_ranges_run_id")),
        sa.PrimaryKeyConstraint("run_id", "number", name=op.f("pk_discount_run_ranges")),
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("order_ref", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("promo_code", sa.Text(), nullable=True),
        sa.Column("promotion", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("list_price", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("percent", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("net", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("suppressed", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("turnover", sa.Numeric(precision=20, scale=4), nullable=True),
        sa.Column("tier", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_orders_quantity_positive")),
        sa.ForeignKeyConstraint(["reseller_id"], ["accounts.id"], name=op.f("fk_orders_reseller_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("reseller_id", "order_ref", name=op.f("uq_orders_reseller_id_order_ref")),
    )
    op.create_index("ix_orders_reseller_id", "orders", ["reseller_id", "id"], unique=False)
    op.create_table(
        "payment_imports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("lines", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("summary", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["reseller_id"], ["accounts.id"], name=op.f("fk_payment_imports_reseller_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_imports")),
        sa.UniqueConstraint("reseller_id", "digest", name=op.f("uq_payment_imports_reseller_id_digest")),
    )
    op.create_table(
        "payments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("origin_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column(
            "signed",
            sa.Numeric(precision=20, scale=4),
            sa.Computed("CASE WHEN kind = 'payment' THEN amount ELSE -amount END", persisted=True),
            nullable=False,
        ),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('payment', 'refund', 'chargeback')", name=op.f("ck_payments_kind")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payments_amount_positive")),
        sa.ForeignKeyConstraint(["origin_id"], ["accounts.id"], name=op.f("fk_payments_origin_id")),
        sa.ForeignKeyConstraint(["reseller_id"], ["accounts.id"], name=op.f("fk_payments_reseller_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint("origin_id", "reference", name=op.f("uq_payments_origin_id_reference")),
    )
    op.create_index("ix_payments_reseller_id", "payments", ["reseller_id", "id"], unique=False)
    op.create_index(
        "ix_payments_window", "payments", ["reseller_id", "paid_at"], unique=False, postgresql_include=["signed"]
    )
    op.create_table(
        "payment_import_rows",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["payment_imports.id"], name=op.f("fk_payment_import_rows_import_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("import_id", "line", name=op.f("pk_payment_import_rows")),
    )
    op.create_index("ix_payment_import_rows_reference", "payment_import_rows", ["import_id", "reference"], unique=False)
