"""Account books: one line for each money fact, written by triggers with the fact; who was merged into whom.

Revision: 0033, after 0032.

Can be restarted. The triggers write the lines of the previous release's facts, too; the facts of before get theirs.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

# The first instant of a local day: of an ambiguous midnight the first pass, after a skipped one the end of the gap.
MIDNIGHT = """
CREATE OR REPLACE FUNCTION kontor_local_midnight(day date, zone text) RETURNS timestamptz
    LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN (i - interval '1 hour') AT TIME ZONE zone = day::timestamp THEN i - interval '1 hour' ELSE i END
    FROM (SELECT day::timestamp AT TIME ZONE zone AS i) AS m
$$
"""
COLUMNS = "reseller_id, kind, fact_id, amount, currency, at, recorded_at, ref, note"
# The lines that facts call for; {rows} has the facts. The rule of a line's sign, times and texts stands here alone.
PAYMENT_LINES = """
SELECT f.reseller_id, f.kind, f.id AS fact_id, f.signed AS amount, f.currency, f.paid_at AS at,
    f.created_at AS recorded_at, f.reference AS ref, NULL::text AS note,
    f.origin_id
FROM {rows} f
"""
ORDER_LINES = """
SELECT f.reseller_id, 'order' AS kind, f.id AS fact_id, -f.net AS amount, f.currency, f.created_at AS at,
    f.created_at AS recorded_at, f.order_ref AS ref, f.product || ' x ' || f.quantity AS note,
    f.reseller_id AS origin_id
FROM {rows} f
"""
CHARGE_LINES = """
SELECT f.reseller_id, CASE f.kind WHEN 'credit' THEN 'credit' ELSE 'charge' END AS kind, f.id AS fact_id,
    CASE f.kind WHEN 'credit' THEN f.total ELSE -f.total END AS amount, f.currency,
    CASE f.kind WHEN 'credit' THEN f.created_at ELSE {first_instant} END AS at,
    f.created_at AS recorded_at, f.id::text AS ref, f.product || ' ' || f.period_start || ' - ' || f.period_end AS note,
    coalesce(CAST(f.how->>'discount_of' AS uuid), f.reseller_id) AS origin_id
FROM {rows} f {days} WHERE f.reseller_id IS NOT NULL
"""
# The time of a charge: in a set once for each day, in the view only where somebody asks for it.
ZONE = "coalesce(p.document->>'timezone', 'UTC')"
BY_DAY = f"""
JOIN (SELECT d.programme, d.period_start, kontor_local_midnight(d.period_start, {ZONE}) AS at
    FROM (SELECT DISTINCT programme, period_start FROM {{rows}}) AS d JOIN programmes p ON p.code = d.programme) AS day
    ON day.programme = f.programme AND day.period_start = f.period_start
"""  # noqa: S608 -- constants
ALONE = f"(SELECT kontor_local_midnight(f.period_start, {ZONE}) FROM programmes p WHERE p.code = f.programme)"  # noqa: S608 -- constants
VOID_LINES = """
SELECT f.reseller_id, 'void' AS kind, f.id AS fact_id,
    CASE f.kind WHEN 'credit' THEN -f.total ELSE f.total END AS amount, f.currency, f.voided_at AS at,
    f.voided_at AS recorded_at, f.id::text AS ref,
    f.product || ' ' || f.period_start || ' - ' || f.period_end AS note,
    coalesce(CAST(f.how->>'discount_of' AS uuid), f.reseller_id) AS origin_id
FROM {rows} f WHERE f.reseller_id IS NOT NULL AND f.voided_at IS NOT NULL
"""


def in_sets(lines: str, rows: str) -> str:
    """Return the lines of the facts in `rows`, with times by day."""
    return lines.format(rows=rows, first_instant="day.at", days=BY_DAY.format(rows=rows))


LINES = {"payments": (PAYMENT_LINES,), "orders": (ORDER_LINES,), "charges": (CHARGE_LINES, VOID_LINES)}
INSERT = "INSERT INTO account_book ({columns}) SELECT {columns} FROM ({lines}) AS line ON CONFLICT DO NOTHING"
FUNCTION = """
CREATE OR REPLACE FUNCTION kontor_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {statement};
    RETURN NULL;
END $$
"""
FACTS = "CREATE OR REPLACE VIEW account_book_facts AS {lines}"
INSERT_TRIGGER = """
CREATE OR REPLACE TRIGGER {table}_book AFTER INSERT ON {table} REFERENCING NEW TABLE AS facts
    FOR EACH STATEMENT EXECUTE FUNCTION kontor_book_{table}()
"""
VOID_TRIGGER = """
CREATE OR REPLACE TRIGGER charges_book_void AFTER UPDATE OF voided_at ON charges FOR EACH ROW
    WHEN (OLD.voided_at IS NULL AND NEW.voided_at IS NOT NULL) EXECUTE FUNCTION kontor_book_void()
"""
KEEP = """
CREATE OR REPLACE TRIGGER account_book_keep BEFORE UPDATE OR DELETE ON account_book
    FOR EACH ROW EXECUTE FUNCTION kontor_keep_evidence()
"""
KEEP_ALL = """
CREATE OR REPLACE TRIGGER account_book_keep_all BEFORE TRUNCATE ON account_book
    FOR EACH STATEMENT EXECUTE FUNCTION kontor_keep_evidence()
"""
MERGES = """
INSERT INTO reseller_merges (id, old_id, new_id, at)
SELECT gen_random_uuid(), account_id, CAST(data->>'into' AS uuid), at FROM domain_events e
WHERE type = 'account.merged' AND NOT EXISTS (
    SELECT FROM reseller_merges m WHERE m.old_id = e.account_id AND m.at = e.at)
ORDER BY seq
"""
MERGED_INTO = """
UPDATE accounts a SET merged_into = m.new_id FROM (
    SELECT DISTINCT ON (old_id) old_id, new_id FROM reseller_merges ORDER BY old_id, at DESC) AS m
WHERE a.id = m.old_id AND a.merged_into IS NULL AND a.kind <> 'reseller'
"""
# Facts of before a merge stand in the book of the reseller that made them, later ones where they count now.
FILL = """
INSERT INTO account_book ({columns})
SELECT CASE WHEN f.recorded_at < m.at THEN f.origin_id ELSE f.reseller_id END,
    f.kind, f.fact_id, f.amount, f.currency, f.at, f.recorded_at, f.ref, f.note
FROM ({lines}) AS f
    LEFT JOIN LATERAL (SELECT max(at) AS at FROM reseller_merges WHERE old_id = f.origin_id) AS m ON true
ORDER BY f.recorded_at, f.fact_id
ON CONFLICT DO NOTHING
"""
TRANSFERS = """
DO $$
DECLARE
    merge record;
    balance numeric;
    unit text;
BEGIN
    FOR merge IN SELECT id, old_id AS old, new_id AS new, at FROM reseller_merges ORDER BY at
    LOOP
        SELECT sum(amount), min(currency) INTO balance, unit FROM account_book
            WHERE reseller_id = merge.old AND recorded_at <= merge.at;
        CONTINUE WHEN coalesce(balance, 0) = 0 OR EXISTS (SELECT FROM account_book
            WHERE kind = 'transfer' AND fact_id = merge.id);
        INSERT INTO account_book (reseller_id, kind, fact_id, amount, currency, at, recorded_at, ref) VALUES
            (merge.old, 'transfer', merge.id, -balance, unit, merge.at, merge.at, merge.new::text),
            (merge.new, 'transfer', merge.id, balance, unit, merge.at, merge.at, merge.old::text);
    END LOOP;
END $$
"""


def upgrade() -> None:
    """Move forward; safe while the previous release still runs: triggers write the lines of its facts."""
    op.execute("ALTER TABLE accounts ADD COLUMN IF NOT EXISTS merged_into uuid CONSTRAINT fk_accounts_merged_into"
               " REFERENCES accounts (id)")  # fmt: skip
    with op.get_context().autocommit_block():
        create_tables()
        for statement in statements():
            op.execute(statement)


def statements() -> list[str]:
    """Return the functions, the view of what the lines are made of, the triggers, and what fills the books."""
    functions = [_function(f"book_{table}", table, "facts") for table in LINES]
    void = INSERT.format(columns=COLUMNS, lines=in_sets(VOID_LINES, "(SELECT NEW.*)"))
    every = " UNION ALL ".join(
        lines.format(rows=table, first_instant=ALONE, days="") for table, kinds in LINES.items() for lines in kinds
    )
    fill = [
        FILL.format(columns=COLUMNS, lines=in_sets(lines, table)) for table, kinds in LINES.items() for lines in kinds
    ]
    return [
        MIDNIGHT,
        *functions,
        FUNCTION.format(name="book_void", statement=void),
        FACTS.format(lines=every),
        *(INSERT_TRIGGER.format(table=table) for table in LINES),
        VOID_TRIGGER,
        KEEP,
        KEEP_ALL,
        MERGES,
        MERGED_INTO,
        *fill,
        TRANSFERS,
    ]


def _function(name: str, table: str, rows: str) -> str:
    insert = INSERT.format(columns=COLUMNS, lines=in_sets(LINES[table][0], rows))
    return FUNCTION.format(name=name, statement=insert)


def create_tables() -> None:
    """Create the book, and the list of resellers that were warned."""
    instant, amount = postgresql.TIMESTAMP(timezone=True), sa.Numeric(precision=20, scale=4)
    kinds = ("payment", "refund", "chargeback", "order", "charge", "credit", "void", "transfer")
    op.create_table(
        "account_book",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("fact_id", sa.Uuid(), nullable=False),
        sa.Column("amount", amount, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("at", instant, nullable=False),
        sa.Column("recorded_at", instant, nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint(f"kind IN ({', '.join(map(repr, kinds))})", name=op.f("ck_account_book_kind")),
        sa.ForeignKeyConstraint(["reseller_id"], ["accounts.id"], name=op.f("fk_account_book_reseller_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_account_book")),
        if_not_exists=True,
    )
    op.create_index(
        "uq_account_book_fact", "account_book", ["fact_id", "kind"], unique=True,
        postgresql_where=sa.text("kind <> 'transfer'"), if_not_exists=True,
    )  # fmt: skip
    op.create_index(
        "ix_account_book_lines", "account_book", ["reseller_id", "at", "number"],
        postgresql_include=["amount", "recorded_at"], if_not_exists=True,
    )  # fmt: skip
    op.create_table(
        "reseller_merges",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("old_id", sa.Uuid(), nullable=False),
        sa.Column("new_id", sa.Uuid(), nullable=False),
        sa.Column("at", instant, nullable=False),
        sa.ForeignKeyConstraint(["old_id"], ["accounts.id"], name=op.f("fk_reseller_merges_old_id")),
        sa.ForeignKeyConstraint(["new_id"], ["accounts.id"], name=op.f("fk_reseller_merges_new_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reseller_merges")),
        if_not_exists=True,
    )
    op.create_index("ix_reseller_merges_new_id", "reseller_merges", ["new_id", "old_id"], if_not_exists=True)
    op.create_table(
        "low_balances",
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("since", instant, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["reseller_id"], ["accounts.id"], name=op.f("fk_low_balances_reseller_id")),
        sa.PrimaryKeyConstraint("reseller_id", name=op.f("pk_low_balances")),
        if_not_exists=True,
    )
