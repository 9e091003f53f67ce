"""Second factors of the portal's people, recovery codes, and sessions on remembered devices.

Revision: 0051, after 0048.

The previous release asks for no second factor and opens no session on a remembered device.
"""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move forward; safe while the previous release still runs."""
    op.create_table(
        "portal_factors",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_sealed", sa.Text(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.Column("credential_id", sa.Text(), nullable=True),
        sa.Column("public_key", sa.Text(), nullable=True),
        sa.Column("sign_count", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('totp', 'passkey')", name=op.f("ck_portal_factors_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal_factors")),
    )
    op.create_index("ix_portal_factors_holder", "portal_factors", ["holder"])
    op.create_index(
        "uq_portal_factors_credential_id",
        "portal_factors",
        ["credential_id"],
        unique=True,
        postgresql_where=sa.text("credential_id IS NOT NULL"),
    )
    op.create_table(
        "portal_recovery_codes",
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("holder", "code_hash", name=op.f("pk_portal_recovery_codes")),
    )
    op.add_column(
        "portal_sessions", sa.Column("remembered", sa.Boolean(), nullable=False, server_default=sa.text("false"))
    )


def downgrade() -> None:
    """Move back."""
    op.drop_column("portal_sessions", "remembered")
    op.drop_table("portal_recovery_codes")
    op.drop_table("portal_factors")
