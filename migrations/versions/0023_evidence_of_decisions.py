"""Keep who set and confirmed an admin address, holds after an objection, and the evidence of decisions.

Revision: 0023, after 0022.

Accounts of before have no rows in `admin_addresses`: their address counts as their first. Can be restarted.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

INSTANT = postgresql.TIMESTAMP(timezone=True)
COLUMNS = (
    ("accounts", "activation_serial integer NOT NULL DEFAULT 0"),
    ("brands", "domain_set_by text"),
    ("offers", "message_salt text"),
    ("offers", "message_digest text"),
    ("offers", "held_by text"),
    ("offers", "held_at timestamptz"),
    ("offers", "open_until timestamptz"),
    ("offer_events", "evidence jsonb"),
    ("offer_events", "evidence_salt text"),
    ("offer_events", "evidence_digest text"),
)
CHECKS = (
    ("brands", "ck_brands_domain_set_by", "domain_set_by IN ('operator', 'reseller', 'client', 'shell')"),
    ("offers", "ck_offers_held_by", "held_by IN ('objection')"),
)


def upgrade() -> None:
    """Move forward; safe while the previous release still runs, which fills none of the new columns."""
    for table, column in COLUMNS:
        op.execute(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {column}")
    for table, name, condition in CHECKS:
        op.drop_constraint(op.f(name), table, type_="check", if_exists=True)
        op.create_check_constraint(op.f(name), table, condition, postgresql_not_valid=True)
    op.create_table(
        "admin_addresses",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("replaced", sa.Text(), nullable=True),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", INSTANT, nullable=False),
        sa.Column("handed_over", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("confirmed_at", INSTANT, nullable=True),
        sa.Column("objected_at", INSTANT, nullable=True),
        sa.Column("freed_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "set_by IN ('operator', 'reseller', 'client', 'shell')", name=op.f("ck_admin_addresses_set_by")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_admin_addresses_account_id_accounts")),
        sa.PrimaryKeyConstraint("account_id", "version", name=op.f("pk_admin_addresses")),
        if_not_exists=True,
    )
    with op.get_context().autocommit_block():
        for table, name, _ in CHECKS:
            op.execute(sa.text(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}"))
        op.create_index(
            "ix_webhook_deliveries_event_seq",
            "webhook_deliveries",
            ["event_seq"],
            postgresql_concurrently=True,
            postgresql_where=sa.text("event_seq IS NOT NULL"),
            if_not_exists=True,
        )
