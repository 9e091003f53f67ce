"""Sign-in to the portal: sessions, the accounts they opened, devices, links that sign in, visits of resellers.

Revision: 0043, after 0042.

New tables only; the previous release has no portal to sign in to.
"""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move forward; safe while the previous release still runs."""
    create_sessions()
    create_devices_and_links()
    op.create_table(
        "portal_visits",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_portal_visits_account_id")),
        sa.ForeignKeyConstraint(["reseller_id"], ["accounts.id"], name=op.f("fk_portal_visits_reseller_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_portal_visits")),
    )
    op.create_index("ix_portal_visits_account_id", "portal_visits", ["account_id", "seq"])
    op.create_index("ix_portal_visits_session_id", "portal_visits", ["session_id", "account_id"])


def create_sessions() -> None:
    """Create the tables of sessions."""
    op.create_table(
        "portal_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("csrf", sa.Text(), nullable=False),
        sa.Column("member_key", sa.Text(), nullable=True),
        sa.Column("member_credential", sa.Text(), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("by_link", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proven_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_portal_sessions_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal_sessions")),
    )
    op.create_index("uq_portal_sessions_secret_hash", "portal_sessions", ["secret_hash"], unique=True)
    op.create_index(
        "ix_portal_sessions_member_key",
        "portal_sessions",
        ["member_key"],
        postgresql_where=sa.text("member_key IS NOT NULL"),
    )
    op.create_index("ix_portal_sessions_account_id", "portal_sessions", ["account_id"])
    op.create_index("ix_portal_sessions_expires_at", "portal_sessions", ["expires_at"])
    op.create_table(
        "portal_openings",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("credential", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["portal_sessions.id"],
            name=op.f("fk_portal_openings_session_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_portal_openings_account_id")),
        sa.PrimaryKeyConstraint("session_id", "account_id", name=op.f("pk_portal_openings")),
    )
    op.create_index("ix_portal_openings_account_id", "portal_openings", ["account_id"])


def create_devices_and_links() -> None:
    """Create the tables of devices and of links that sign in."""
    op.create_table(
        "portal_devices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("signed_in_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal_devices")),
    )
    op.create_index("uq_portal_devices_secret_hash_holder", "portal_devices", ["secret_hash", "holder"], unique=True)
    op.create_index("ix_portal_devices_signed_in_at", "portal_devices", ["signed_in_at"])
    op.create_table(
        "portal_links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("email_version", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_portal_links_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal_links")),
    )
    op.create_index("ix_portal_links_account_id", "portal_links", ["account_id"])
    op.create_index("ix_portal_links_expires_at", "portal_links", ["expires_at"])
