"""Credits among the charges, and which statement lists a charge or its void.

Revision: 0037, after 0035.
"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0035"
branch_labels = None
depends_on = None

CHUNK = 5_000
CHECKS = (
    ("kind", "kind IN ('plan', 'product', 'credit')"),
    ("credit_of", "(kind = 'credit') = (credits IS NOT NULL)"),
    ("run_or_credit", "(kind = 'credit') = (run_id IS NULL)"),
    ("void_stated", "void_stated IS NULL OR voided_at IS NOT NULL AND stated IS NOT NULL"),
)
INDEXES = (
    ("uq_charges_credits", ["credits"], "credits IS NOT NULL", True),
    ("ix_charges_to_state", ["reseller_id", "period_start"], "stated IS NULL AND voided_at IS NULL", False),
    (
        "ix_charges_void_to_state",
        ["reseller_id"],
        "stated IS NOT NULL AND voided_at IS NOT NULL AND void_stated IS NULL",
        False,
    ),
)
STATEMENTS = """
INSERT INTO statements (reseller_id, month, posted_at)
SELECT account_id, CAST(facts->>'month' AS date), min(created_at) FROM mails
WHERE template = 'statement' AND facts ? 'month' AND account_id IS NOT NULL GROUP BY 1, 2
ON CONFLICT DO NOTHING
"""
STATED = sa.text(
    """
WITH chunk AS (
    SELECT c.id, CAST(date_trunc('month', c.period_start) AS date) AS month FROM charges AS c
    WHERE c.id > :after ORDER BY c.id LIMIT :size
), runs AS MATERIALIZED (
    SELECT a.programme, s.month, min(s.posted_at) AS posted_at
    FROM statements AS s JOIN accounts AS a ON a.id = s.reseller_id GROUP BY 1, 2
), posted AS (
    SELECT c.id, c.month FROM chunk AS c JOIN charges AS r ON r.id = c.id
    WHERE r.stated IS NULL AND r.reseller_id IS NOT NULL AND EXISTS (SELECT FROM runs
        WHERE runs.programme = r.programme AND runs.month >= c.month
            AND r.created_at <= runs.posted_at AND (r.voided_at IS NULL OR r.voided_at > runs.posted_at))
), written AS (
    UPDATE charges AS c SET stated = p.month FROM posted AS p WHERE c.id = p.id
)
SELECT max(CAST(id AS text)) FROM chunk
"""
)
FIRST = "00000000-0000-0000-0000-000000000000"


def upgrade() -> None:
    """Move forward; safe while the previous release still runs, which writes no credits, and to start again.

    A charge of a month whose statements were mailed is on one; if it was voided after it, the next one says so.
    """
    with op.get_context().autocommit_block():
        op.add_column("charges", sa.Column("credits", sa.Uuid(), nullable=True), if_not_exists=True)
        op.add_column("charges", sa.Column("stated", sa.Date(), nullable=True), if_not_exists=True)
        op.add_column("charges", sa.Column("void_stated", sa.Date(), nullable=True), if_not_exists=True)
        op.alter_column("charges", "run_id", nullable=True)
        check_credits()
        for name, columns, where, unique in INDEXES:
            op.drop_index(name, "charges", postgresql_concurrently=True, if_exists=True)
            op.create_index(
                name, "charges", columns, unique=unique, postgresql_concurrently=True, postgresql_where=sa.text(where)
            )
        create_statements()
        fill()


def check_credits() -> None:
    """Let charges be credits of others, checked without a long lock."""
    op.drop_constraint("fk_charges_credits", "charges", type_="foreignkey", if_exists=True)
    op.create_foreign_key("fk_charges_credits", "charges", "charges", ["credits"], ["id"], postgresql_not_valid=True)
    op.execute(sa.text("ALTER TABLE charges VALIDATE CONSTRAINT fk_charges_credits"))
    for name, condition in CHECKS:
        constraint = op.f(f"ck_charges_{name}")
        op.drop_constraint(constraint, "charges", type_="check", if_exists=True)
        op.create_check_constraint(constraint, "charges", condition, postgresql_not_valid=True)
        op.execute(sa.text(f"ALTER TABLE charges VALIDATE CONSTRAINT {constraint}"))


def create_statements() -> None:
    """Create the table, with the statements that were mailed."""
    op.create_table(
        "statements",
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("total", sa.Numeric(20, 4), nullable=True),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["reseller_id"], ["accounts.id"], name=op.f("fk_statements_reseller_id")),
        sa.PrimaryKeyConstraint("reseller_id", "month", name=op.f("pk_statements")),
        if_not_exists=True,
    )
    op.execute(sa.text(STATEMENTS))


def fill() -> None:
    """Mark the charges that stand on a statement."""
    connection, after = op.get_bind(), FIRST
    while last := connection.execute(STATED, {"after": after, "size": CHUNK}).scalar():
        after = last
