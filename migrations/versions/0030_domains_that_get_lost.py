"""When the record of a domain verified by DNS was first missed.

Revision: 0030, after 0028.
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move forward; safe while the previous release still runs, which does not write the column."""
    op.add_column("verified_domains", sa.Column("missing_since", sa.DateTime(timezone=True), nullable=True))
