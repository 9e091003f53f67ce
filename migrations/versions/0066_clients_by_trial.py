"""A reseller's clients are read in the order in which their trials end.

Revision: 0066, after 0065. The index is built concurrently and can be restarted.
"""

import sqlalchemy as sa
from alembic import op

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None

TABLE, INDEX = "accounts", "ix_accounts_clients_by_trial"
END = sa.text("COALESCE(trial_ends_at, 'infinity'::timestamp with time zone)")
LISTED = sa.text("reseller_id IS NOT NULL AND purged_at IS NULL")


def upgrade() -> None:
    """Move forward; safe while the previous release still runs."""
    with op.get_context().autocommit_block():
        op.drop_index(INDEX, TABLE, postgresql_concurrently=True, if_exists=True)
        op.create_index(INDEX, TABLE, ["reseller_id", END, "id"], postgresql_concurrently=True, postgresql_where=LISTED)


def downgrade() -> None:
    """Move back."""
    op.drop_index(INDEX, TABLE, if_exists=True)
