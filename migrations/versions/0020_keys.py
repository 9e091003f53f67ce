"""Keep of a key who made it, where it may be used from, its rate and its last use; more scopes.

Revision: 0020, after 0018.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0018"
branch_labels = None
depends_on = None

ONE = "(read|enqueue|work|decide|operate|admin|keys|(enqueue|work):[A-Za-z0-9_.*-]+)"


def upgrade() -> None:
    """Move forward; safe while the previous release still runs, which makes keys with fewer scopes."""
    op.add_column("api_keys", sa.Column("created_by", sa.Text(), nullable=True))
    op.add_column("api_keys", sa.Column("may_decide", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    op.add_column(
        "api_keys", sa.Column("ranges", postgresql.ARRAY(sa.TEXT()), server_default=sa.text("'{}'"), nullable=False)
    )
    op.add_column("api_keys", sa.Column("rate", sa.Integer(), nullable=True))
    op.add_column("api_keys", sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_constraint(op.f("ck_api_keys_scopes"), "api_keys", type_="check")
    op.create_check_constraint(
        op.f("ck_api_keys_scopes"),
        "api_keys",
        f"array_to_string(scopes, ' ') ~ '^{ONE}( {ONE})*$'",
    )
    op.create_check_constraint(op.f("ck_api_keys_rate"), "api_keys", "rate > 0")
