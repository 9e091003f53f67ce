"""How accounts' names look: a key that names share when people take them for each other.

Revision: 0031, after 0030.
"""

import sqlalchemy as sa
from alembic import op

from kontor.kernel.looks import looks_key

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

CHUNK = 1_000
OPEN = sa.text(
    "SELECT id, name FROM accounts WHERE looks_key IS NULL AND purged_at IS NULL AND id > :after"
    " ORDER BY id LIMIT :chunk"
)
FILL = sa.text(
    "UPDATE accounts SET looks_key = :looks, looks_clash = EXISTS (SELECT FROM accounts AS o"
    " WHERE o.looks_key = :looks AND NOT o.looks_clash AND o.purged_at IS NULL) WHERE id = :id"
)
FIRST = "00000000-0000-0000-0000-000000000000"


def upgrade() -> None:
    """Move forward; safe while the previous release still runs, and to start again after any row.

    The account that is there longest keeps the key as its own; those that look like it stay and are marked.
    """
    with op.get_context().autocommit_block():
        op.add_column("accounts", sa.Column("looks_key", sa.Text(), nullable=True), if_not_exists=True)
        clash = sa.Column("looks_clash", sa.Boolean(), nullable=False, server_default=sa.text("false"))
        op.add_column("accounts", clash, if_not_exists=True)
        create_index("uq_accounts_looks_key", "purged_at IS NULL AND NOT looks_clash", unique=True)
        create_index("ix_accounts_looks_clash", "looks_clash")
        fill()


def create_index(name: str, where: str, *, unique: bool = False) -> None:
    """Create an index on the key; one that an interrupted run left is dropped before."""
    op.drop_index(name, "accounts", postgresql_concurrently=True, if_exists=True)
    op.create_index(
        name, "accounts", ["looks_key"], unique=unique, postgresql_concurrently=True, postgresql_where=sa.text(where)
    )


def fill() -> None:
    """Give every account its key, oldest first."""
    connection, after = op.get_bind(), FIRST
    while rows := connection.execute(OPEN, {"after": after, "chunk": CHUNK}).all():
        for row in rows:
            connection.execute(FILL, {"id": row.id, "looks": looks_key(row.name)})
        after = str(rows[-1].id)
