"""Where the root of an account's own domain leads.

Revision: 0046, after 0044.
"""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move forward; safe while the previous release still runs."""
    op.add_column("accounts", sa.Column("home_url", sa.Text()), if_not_exists=True)


def downgrade() -> None:
    """Move back."""
    op.drop_column("accounts", "home_url", if_exists=True)
