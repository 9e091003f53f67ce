"""What was seen of a domain's SPF, DKIM and DMARC records.

Revision: 0053, after 0052.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move forward; safe while the previous release still runs."""
    op.add_column("verified_domains", sa.Column("seen", JSONB(none_as_null=True)), if_not_exists=True)


def downgrade() -> None:
    """Move back."""
    op.drop_column("verified_domains", "seen", if_exists=True)
