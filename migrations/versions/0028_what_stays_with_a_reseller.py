"""Keep what belongs to a reseller from the next one: since when a client is its reseller's, and why offers ended.

A product that a reseller manages names it by its id.

Revision: 0028, after 0027.
"""

import json
from hashlib import sha256

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

CHECKS = (
    ("offers", "reason", "'withdrawn', 'expired', 'account_closed', 'account_moved'"),
    (
        "offer_events",
        "event",
        "'send', 'delivered', 'accept', 'reject', 'withdraw', 'expire', 'close_account', 'move_account'",
    ),
)
PROGRAMMES = 'SELECT code, document FROM programmes WHERE document::text LIKE \'%"managed_by": "reseller"%\''
RESELLER = (
    "SELECT id FROM accounts WHERE programme = :code AND name = :name AND kind = 'reseller' AND purged_at IS NULL"
)
RENAME = "UPDATE programmes SET document = CAST(:document AS jsonb), digest = :digest WHERE code = :code"


def upgrade() -> None:
    """Move forward; safe while the previous release still runs, which writes neither the column nor the values."""
    op.add_column("accounts", sa.Column("reseller_since", sa.Uuid(), nullable=True))
    for table, column, values in CHECKS:
        name = op.f(f"ck_{table}_{column}")
        op.drop_constraint(name, table, type_="check", if_exists=True)
        op.create_check_constraint(name, table, f"{column} IN ({values})", postgresql_not_valid=True)
    with op.get_context().autocommit_block():
        for table, column, _ in CHECKS:
            op.execute(sa.text(f"ALTER TABLE {table} VALIDATE CONSTRAINT ck_{table}_{column}"))
    for code, document in op.get_bind().execute(sa.text(PROGRAMMES)).all():
        if name_owners_by_id(code, document):
            values = {"code": code, "document": json.dumps(document), "digest": digest(document)}
            op.execute(sa.text(RENAME).bindparams(**values))


def name_owners_by_id(code: str, document: dict[str, object]) -> bool:
    """Replace the names of managing resellers by their ids; return whether any was."""
    products = document.get("products")
    changed = False
    for product in products.values() if isinstance(products, dict) else ():
        if product.get("managed_by") == "reseller":
            values = {"code": code, "name": product.get("reseller")}
            reseller_id = op.get_bind().execute(sa.text(RESELLER), values).scalar()
            product["reseller"] = product.get("reseller") if reseller_id is None else str(reseller_id)
            changed = changed or reseller_id is not None
    return changed


def digest(document: dict[str, object]) -> str:
    """Return the SHA-256 of the canonical document."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(text.encode()).hexdigest()
