"""What other systems call clients and offers, and the metadata of accounts and offers.

Revision: 0048, after 0046. The indexes are built concurrently and can be restarted.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0048"
down_revision = "0046"
branch_labels = None
depends_on = None

COLUMNS = (
    ("accounts", "client_external_id", sa.Text()),
    ("accounts", "notes", JSONB()),
    ("offers", "external_id", sa.Text()),
    ("offers", "notes", JSONB()),
)
INDEXES = (
    ("uq_accounts_client_id", "accounts", "client_external_id"),
    ("uq_offers_external_id", "offers", "external_id"),
)


def upgrade() -> None:
    """Move forward; safe while the previous release still runs."""
    for table, name, kind in COLUMNS:
        op.add_column(table, sa.Column(name, kind), if_not_exists=True)
    with op.get_context().autocommit_block():
        for name, table, column in INDEXES:
            op.drop_index(name, table, postgresql_concurrently=True, if_exists=True)
            op.create_index(
                name,
                table,
                ["reseller_id", column],
                unique=True,
                postgresql_concurrently=True,
                postgresql_where=sa.text(f"{column} IS NOT NULL"),
            )


def downgrade() -> None:
    """Move back."""
    for name, table, _ in INDEXES:
        op.drop_index(name, table, if_exists=True)
    for table, name, _ in COLUMNS:
        op.drop_column(table, name, if_exists=True)
