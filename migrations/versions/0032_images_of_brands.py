"""Images of brands: fetched once, made again as PNG, served by Kontor itself.

Revision: 0032, after 0031. New tables and nullable columns: the previous release runs beside it. Images that brands
named by URL before are fetched by the hourly job `accounts.tidy`; until then mails and pages show the brand's name.
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Move forward."""
    op.add_column("brands", sa.Column("logo", sa.Text(), nullable=True))
    op.add_column("brands", sa.Column("favicon", sa.Text(), nullable=True))
    op.create_table(
        "brand_images",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("requested_at", INSTANT, nullable=False),
        sa.Column("fetched_at", INSTANT, nullable=True),
        sa.CheckConstraint("role IN ('logo', 'favicon')", name=op.f("ck_brand_images_role")),
        sa.CheckConstraint("state IN ('waiting', 'ready', 'failed')", name=op.f("ck_brand_images_state")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_brand_images_account_id")),
        sa.PrimaryKeyConstraint("account_id", "role", name=op.f("pk_brand_images")),
    )
    op.create_table(
        "image_files",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_image_files_account_id")),
        sa.PrimaryKeyConstraint("account_id", "digest", name=op.f("pk_image_files")),
    )
    op.create_index("ix_image_files_digest", "image_files", ["digest"])
