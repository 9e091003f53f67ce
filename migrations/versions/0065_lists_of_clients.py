"""A reseller's clients are read in the order of its list, by name or by age.

Revision: 0065, after 0064. The indexes are built concurrently and can be restarted.
"""

import sqlalchemy as sa
from alembic import op

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None

TABLE = "accounts"
INDEXES = {"ix_accounts_clients_by_name": "name_key", "ix_accounts_clients_by_age": "created_at"}
LISTED = sa.text("reseller_id IS NOT NULL AND purged_at IS NULL")


def upgrade() -> None:
    """Move forward; safe while the previous release still runs."""
    with op.get_context().autocommit_block():
        for name, key in INDEXES.items():
            op.drop_index(name, TABLE, postgresql_concurrently=True, if_exists=True)
            op.create_index(
                name, TABLE, ["reseller_id", key, "id"], postgresql_concurrently=True, postgresql_where=LISTED
            )


def downgrade() -> None:
    """Move back."""
    for name in INDEXES:
        op.drop_index(name, TABLE, if_exists=True)
