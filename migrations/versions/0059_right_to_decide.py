"""What a reseller opened for its client: passwords, members, links and sessions that decide nothing.

Revision: 0059, after 0055.
"""

import sqlalchemy as sa
from alembic import op

revision = "0059"
down_revision = "0055"
branch_labels = None
depends_on = None

COLUMNS = {
    "accounts": "password_by_reseller",
    "members": "by_reseller",
    "portal_links": "by_reseller",
    "portal_sessions": "by_reseller",
}


def upgrade() -> None:
    """Move forward; safe while the previous release still runs."""
    for table, name in COLUMNS.items():
        column = sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.text("false"))
        op.add_column(table, column, if_not_exists=True)


def downgrade() -> None:
    """Move back."""
    for table, name in COLUMNS.items():
        op.drop_column(table, name, if_exists=True)
