"""Every applied programme file is kept as a version.

Revision: 0035, after 0034.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

PRESENT = sa.text(
    "INSERT INTO programme_versions"
    " (programme, number, document, source, digest, applied_at, applied_by, effective_at)"
    " SELECT code, version, document, source, digest, applied_at, applied_by, applied_at FROM programmes"
)


def upgrade() -> None:
    """Move forward; what the previous release applies meanwhile becomes a version when the next file is applied.

    The present file keeps its number; those before it are lost, so it also counts for the time before.
    """
    op.add_column("programmes", sa.Column("next_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "programme_versions",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("document", JSONB(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["programme"], ["programmes.code"], name=op.f("fk_programme_versions_programme")),
        sa.PrimaryKeyConstraint("programme", "number", name=op.f("pk_programme_versions")),
    )
    op.execute(PRESENT)
