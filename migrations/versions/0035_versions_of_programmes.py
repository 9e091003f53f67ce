"""Every applied programme file is kept as a version.

Revision: 0035, after 0034.
"""

import json
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from kontor.kernel.validation import name_key

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

MANAGED = sa.text('SELECT code, document FROM programmes WHERE document::text LIKE \'%"managed_by": "reseller"%\'')
RESELLER = sa.text(
    "SELECT id FROM accounts WHERE programme = :code AND name_key = :key AND kind = 'reseller' AND purged_at IS NULL"
)
RENAME = sa.text("UPDATE programmes SET document = CAST(:document AS jsonb), digest = :digest WHERE code = :code")
PRESENT = sa.text(
    "INSERT INTO programme_versions"
    " (programme, number, document, source, digest, applied_at, applied_by, effective_at)"
    " SELECT code, version, document, source, digest, applied_at, applied_by, applied_at FROM programmes"
)


def upgrade() -> None:
    """Move forward; what the previous release applies meanwhile becomes a version when the next file is applied.

    The present file keeps its number; those before it are lost, so it also counts for the time before. A managing
    reseller that is still named by its name, which 0028 took to the letter, is resolved to its id.
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
    for code, document in op.get_bind().execute(MANAGED).all():
        if name_owners_by_id(code, document):
            op.get_bind().execute(RENAME, {"code": code, "document": json.dumps(document), "digest": digest(document)})
    op.execute(PRESENT)


def name_owners_by_id(code: str, document: dict[str, Any]) -> bool:
    """Replace names of managing resellers, spelt in any case, by their ids; return whether any was."""
    changed = False
    for product in document.get("products", {}).values():
        if product.get("managed_by") == "reseller":
            values = {"code": code, "key": name_key(str(product.get("reseller")))}
            reseller_id = op.get_bind().execute(RESELLER, values).scalar()
            product["reseller"] = product.get("reseller") if reseller_id is None else str(reseller_id)
            changed = changed or reseller_id is not None
    return changed


def digest(document: dict[str, Any]) -> str:
    """Return the SHA-256 of the canonical document."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(text.encode()).hexdigest()
