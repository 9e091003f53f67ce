"""Mails that a limit holds, and those folded into a digest.

Revision: 0027, after 0026.
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

CHECKS = (
    ("mails", "state", "'queued', 'held_limit', 'folded', 'sent', 'skipped', 'suppressed', 'failed'"),
    ("mail_recipients", "state", "'queued', 'folded', 'sent', 'suppressed', 'failed'"),
    ("alerts", "kind", "'dead_jobs', 'late_work', 'held_lanes', 'held_mails', 'guard_rail', 'reconciliation'"),
)
INDEXES = (
    ("ix_mails_held", "mails", ["reseller_id", "id"], "state = 'held_limit'"),
    ("ix_mail_recipients_address_key", "mail_recipients", ["address_key", "posted_at"], "posted_at IS NOT NULL"),
    ("ix_mail_recipients_folded", "mail_recipients", ["address_key"], "state = 'folded' AND folded_in IS NULL"),
)


def upgrade() -> None:
    """Move forward; safe while the previous release still runs, which writes neither the states nor the columns."""
    op.add_column("mail_recipients", sa.Column("posted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("mail_recipients", sa.Column("folded_in", sa.Uuid(), nullable=True))
    for table, column, values in CHECKS:
        name = op.f(f"ck_{table}_{column}")
        op.drop_constraint(name, table, type_="check", if_exists=True)
        op.create_check_constraint(name, table, f"{column} IN ({values})", postgresql_not_valid=True)
    with op.get_context().autocommit_block():
        for table, column, _ in CHECKS:
            op.execute(sa.text(f"ALTER TABLE {table} VALIDATE CONSTRAINT ck_{table}_{column}"))
        for name, table, columns, where in INDEXES:
            op.drop_index(name, table, postgresql_concurrently=True, if_exists=True)
            op.create_index(name, table, columns, postgresql_concurrently=True, postgresql_where=sa.text(where))
