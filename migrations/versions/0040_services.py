"""Services that orders buy: their actions and events; states of orders, and their further lines in account books.

Revision: 0040, after 0039.

Can be restarted. Orders of before services stay as they were: completed, without a service.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

JSONB = postgresql.JSONB(astext_type=sa.Text())
INSTANT = sa.DateTime(timezone=True)
AMOUNT = sa.Numeric(precision=20, scale=4)
ORDER_COLUMNS = (
    ("kind", sa.Text(), "new"),
    ("state", sa.Text(), "completed"),
    ("version", sa.Integer(), None),
    ("account_id", sa.Uuid(), None),
    ("service_id", sa.Uuid(), None),
    ("term", sa.Text(), None),
    ("config", JSONB, None),
    ("external_id", sa.Text(), None),
    ("notes", JSONB, None),
    ("error", sa.Text(), None),
)
ORDER_CHECKS = (
    ("kind", "kind IN ('new', 'renewal', 'change')"),
    ("state", "state IN ('pending', 'completed', 'failed', 'cancelled')"),
)
VERBS = "'create', 'renew', 'suspend', 'resume', 'change', 'terminate'"
STATES = "'pending', 'active', 'failed', 'suspended', 'ended'"
# The rule of an entry's line; {rows} has the entries.
LINES = """
SELECT f.reseller_id, f.kind, f.id AS fact_id, CASE f.kind WHEN 'credit' THEN f.amount ELSE -f.amount END AS amount,
    f.currency, f.created_at AS at, f.created_at AS recorded_at, o.order_ref AS ref,
    o.product || ' x ' || o.quantity AS note, f.reseller_id AS origin_id
FROM {rows} f JOIN orders o ON o.id = f.order_id
"""
COLUMNS = "reseller_id, kind, fact_id, amount, currency, at, recorded_at, ref, note"
FUNCTION = f"""
CREATE OR REPLACE FUNCTION kontor_book_order_entries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO account_book ({COLUMNS}) SELECT {COLUMNS} FROM ({LINES.format(rows="facts")}) AS line
        ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$
"""  # noqa: S608 -- constants
TRIGGER = """
CREATE OR REPLACE TRIGGER order_entries_book AFTER INSERT ON order_entries REFERENCING NEW TABLE AS facts
    FOR EACH STATEMENT EXECUTE FUNCTION kontor_book_order_entries()
"""
KEEP = """
CREATE OR REPLACE TRIGGER order_entries_keep BEFORE UPDATE OR DELETE ON order_entries
    FOR EACH ROW EXECUTE FUNCTION kontor_keep_evidence()
"""
FACTS = f"""
DO $do$
DECLARE
    facts text := rtrim(pg_get_viewdef('account_book_facts'::regclass), '; ');
BEGIN
    IF strpos(facts, 'order_entries') = 0 THEN
        EXECUTE 'CREATE OR REPLACE VIEW account_book_facts AS ' || facts
            || $part$ UNION ALL {LINES.format(rows="order_entries")} $part$;
    END IF;
END $do$
"""


def upgrade() -> None:
    """Move forward; the previous release goes on placing orders, which have no service."""
    for name, kind, default in ORDER_COLUMNS:
        column = sa.Column(name, kind, nullable=default is None, server_default=default)
        op.add_column("orders", column, if_not_exists=True)
    for name, condition in ORDER_CHECKS:
        op.create_check_constraint(op.f(f"ck_orders_{name}"), "orders", condition)
    op.create_foreign_key(op.f("fk_orders_account_id"), "orders", "accounts", ["account_id"], ["id"])
    create_entries()
    create_services()
    create_actions()
    create_events()
    for statement in (FUNCTION, TRIGGER, KEEP, FACTS):
        op.execute(statement)
    op.create_index("ix_orders_service_id", "orders", ["service_id"])
    named = sa.text("external_id IS NOT NULL")
    op.create_index(
        "uq_orders_external_id", "orders", ["reseller_id", "external_id"], unique=True, postgresql_where=named
    )


def create_entries() -> None:
    """Create the credits of orders and their charges made again."""
    op.create_table(
        "order_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount", AMOUNT, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("action_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("kind IN ('credit', 'order')", name=op.f("ck_order_entries_kind")),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_order_entries_amount_not_negative")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_entries_order_id")),
        sa.ForeignKeyConstraint(["reseller_id"], ["accounts.id"], name=op.f("fk_order_entries_reseller_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_entries")),
        sa.UniqueConstraint("order_id", "kind", "action_id", name=op.f("uq_order_entries_order_id_kind_action_id")),
    )
    op.create_index("ix_order_entries_reseller_id", "order_entries", ["reseller_id"])


def create_services() -> None:
    """Create the table of services."""
    op.create_table(
        "services",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("next_quantity", sa.Integer(), nullable=True),
        sa.Column("config", JSONB, nullable=True),
        sa.Column("term", sa.Text(), nullable=True),
        sa.Column("renewal", sa.Text(), nullable=False, server_default="manual"),
        sa.Column("grace", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("causes", postgresql.ARRAY(sa.TEXT()), nullable=False, server_default=sa.text("'{}'")),
        sa.Column("since", INSTANT, nullable=True),
        sa.Column("paid_from", sa.Date(), nullable=True),
        sa.Column("paid_until", sa.Date(), nullable=True),
        sa.Column("anchor", sa.Date(), nullable=True),
        sa.Column("unpaid_since", INSTANT, nullable=True),
        sa.Column("result", JSONB, nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("notes", JSONB, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.CheckConstraint(f"state IN ({STATES})", name=op.f("ck_services_state")),
        sa.CheckConstraint("renewal IN ('auto', 'manual', 'none')", name=op.f("ck_services_renewal")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_services_quantity_positive")),
        sa.ForeignKeyConstraint(["reseller_id"], ["accounts.id"], name=op.f("fk_services_reseller_id")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_services_account_id")),
        sa.ForeignKeyConstraint(["programme"], ["programmes.code"], name=op.f("fk_services_programme")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_services_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_services")),
    )
    indexes = (
        ("ix_services_reseller_id", ["reseller_id", "id"], None, False),
        ("ix_services_account_id", ["account_id", "id"], None, False),
        ("ix_services_paid_until", ["paid_until"], "state IN ('active', 'suspended')", False),
        ("ix_services_unpaid", ["reseller_id"], "unpaid_since IS NOT NULL", False),
        (
            "uq_services_external_id",
            ["reseller_id", "external_id"],
            "external_id IS NOT NULL AND state <> 'ended'",
            True,
        ),
    )
    for name, columns, condition, unique in indexes:
        where = None if condition is None else sa.text(condition)
        op.create_index(name, "services", columns, unique=unique, postgresql_where=where)


def create_actions() -> None:
    """Create what is asked of services."""
    op.create_table(
        "service_actions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("values", JSONB, nullable=True),
        sa.Column("ends", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("begun_at", INSTANT, nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.CheckConstraint(f"verb IN ({VERBS})", name=op.f("ck_service_actions_verb")),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'succeeded', 'failed', 'cancelled')", name=op.f("ck_service_actions_state")
        ),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name=op.f("fk_service_actions_service_id")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_service_actions_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_actions")),
    )
    running = sa.text("state = 'running'")
    op.create_index("ix_service_actions_service_id", "service_actions", ["service_id", "id"])
    op.create_index("ix_service_actions_job_id", "service_actions", ["job_id"])
    op.create_index(
        "uq_service_actions_running", "service_actions", ["service_id"], unique=True, postgresql_where=running
    )


def create_events() -> None:
    """Create the arrows of services' lives."""
    op.create_table(
        "service_events",
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(f"to_state IN ({STATES})", name=op.f("ck_service_events_to_state")),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name=op.f("fk_service_events_service_id")),
        sa.PrimaryKeyConstraint("service_id", "number", name=op.f("pk_service_events")),
    )
