"""Imports whose rows name their resellers, rows without a reference, and payments that name nobody.

Revision: 0038, after 0037.

The previous release goes on importing files of one reseller: it writes the columns it knows, the new ones have
defaults, and what it left unfinished is never continued by this one (its digest is another).
"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move forward; safe while the previous release still runs."""
    op.add_column("accounts", sa.Column("external_id", sa.Text(), nullable=True))
    op.create_unique_constraint(op.f("uq_accounts_programme_external_id"), "accounts", ["programme", "external_id"])
    op.alter_column("payment_imports", "reseller_id", nullable=True)
    op.add_column("payment_imports", sa.Column("programme", sa.Text(), nullable=True))
    op.create_foreign_key(
        op.f("fk_payment_imports_programme"), "payment_imports", "programmes", ["programme"], ["code"]
    )
    op.create_index(
        "uq_payment_imports_programme_digest",
        "payment_imports",
        ["programme", "digest"],
        unique=True,
        postgresql_where=sa.text("reseller_id IS NULL"),
    )
    op.alter_column("payment_import_rows", "reference", nullable=True)
    op.add_column("payment_import_rows", sa.Column("origin_id", sa.Uuid(), nullable=True))
    op.add_column("payment_import_rows", sa.Column("content", sa.Text(), nullable=True))
    op.add_column("payment_import_rows", sa.Column("place", sa.Integer(), nullable=False, server_default=sa.text("1")))
    op.add_column(
        "payment_import_rows", sa.Column("accepted", sa.Boolean(), nullable=False, server_default=sa.text("false"))
    )
    op.add_column("payment_import_rows", sa.Column("note", sa.Text(), nullable=True))
    create_unmatched()


def create_unmatched() -> None:
    """Create the table of payments that name nobody."""
    op.create_table(
        "unmatched_payments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("row_key", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(20, 4), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("assigned_by", sa.Text(), nullable=True),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('payment', 'refund', 'chargeback')", name=op.f("ck_unmatched_payments_kind")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_unmatched_payments_amount_positive")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_unmatched_payments_payment_id")),
        sa.ForeignKeyConstraint(["programme"], ["programmes.code"], name=op.f("fk_unmatched_payments_programme")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unmatched_payments")),
        sa.UniqueConstraint("programme", "row_key", name=op.f("uq_unmatched_payments_programme_row_key")),
    )
    op.create_index(
        "ix_unmatched_payments_waiting",
        "unmatched_payments",
        ["id"],
        postgresql_where=sa.text("payment_id IS NULL"),
    )
