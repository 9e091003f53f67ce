"""Keep operators' devices, factors and refused sign-ins; let one-time passwords expire.

Revision: 0025, after 0024.

New tables and nullable columns: the previous release runs beside it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Move forward. One-time passwords of before expire in 24 hours."""
    op.add_column("operators", sa.Column("password_expires_at", INSTANT, nullable=True))
    op.add_column("operators", sa.Column("locale", sa.Text(), nullable=True))
    op.add_column("operators", sa.Column("oidc_subject", sa.Text(), nullable=True))
    op.create_index(
        "uq_operators_oidc_subject", "operators", ["oidc_subject"], unique=True,
        postgresql_where=sa.text("oidc_subject IS NOT NULL"),
    )  # fmt: skip
    op.execute("UPDATE operators SET password_expires_at = clock_timestamp() + interval '24 hours' WHERE one_time")
    op.add_column("operator_sessions", sa.Column("origin", sa.Text(), nullable=True))
    op.add_column("operator_sessions", sa.Column("agent", sa.Text(), nullable=True))
    op.add_column("operator_sessions", sa.Column("device_id", sa.Uuid(), nullable=True))
    op.add_column("operator_sessions", sa.Column("proven_at", INSTANT, nullable=True))
    _devices()
    _factors()
    _failures()


def _devices() -> None:
    op.create_table(
        "operator_devices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("operator_id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("signed_in_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_devices")),
        sa.ForeignKeyConstraint(["operator_id"], ["operators.id"], name=op.f("fk_operator_devices_operator_id")),
    )
    op.create_index("uq_operator_devices_secret_hash", "operator_devices", ["secret_hash"], unique=True)
    op.create_index("ix_operator_devices_operator_id", "operator_devices", ["operator_id"])


def _factors() -> None:
    op.create_table(
        "operator_factors",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("operator_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_sealed", sa.Text(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.Column("credential_id", sa.Text(), nullable=True),
        sa.Column("public_key", sa.Text(), nullable=True),
        sa.Column("sign_count", sa.BigInteger(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_factors")),
        sa.ForeignKeyConstraint(["operator_id"], ["operators.id"], name=op.f("fk_operator_factors_operator_id")),
        sa.CheckConstraint("kind IN ('totp', 'passkey')", name=op.f("ck_operator_factors_kind")),
    )
    op.create_index("ix_operator_factors_operator_id", "operator_factors", ["operator_id"])
    op.create_index(
        "uq_operator_factors_credential_id", "operator_factors", ["credential_id"], unique=True,
        postgresql_where=sa.text("credential_id IS NOT NULL"),
    )  # fmt: skip
    op.create_table(
        "operator_recovery_codes",
        sa.Column("operator_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("operator_id", "code_hash", name=op.f("pk_operator_recovery_codes")),
        sa.ForeignKeyConstraint(["operator_id"], ["operators.id"], name=op.f("fk_operator_recovery_codes_operator_id")),
    )


def _failures() -> None:
    op.create_table(
        "sign_in_failures",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_failures")),
    )
    op.create_index("ix_sign_in_failures_account", "sign_in_failures", ["account", "at"])
    op.create_index("ix_sign_in_failures_network", "sign_in_failures", ["network", "at"])
    op.create_index("ix_sign_in_failures_at", "sign_in_failures", ["at"])
