"""Chain the audit log: salted, signed rows, links with keyed hashes, and triggers that keep both as they are.

Revision: 0022, after 0021.

Opened by set_config inside: a SET clause of a function with a setting of one's own is a superuser's alone.
Can be restarted. Rows of before are taken into the chain by the first sealing; those that the previous release still
writes within an hour, too.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

KEEP = """
CREATE OR REPLACE FUNCTION kontor_keep_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(current_setting('kontor.evidence', true), '') <> 'open' THEN
        RAISE EXCEPTION 'rows of % are neither changed nor deleted', TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        RETURN NEW;
    END IF;
    RETURN OLD;
END $$
"""
TRIGGERS = """
CREATE OR REPLACE TRIGGER {table}_keep BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION kontor_keep_evidence();
CREATE OR REPLACE TRIGGER {table}_keep_all BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION kontor_keep_evidence();
"""
ERASE = """
CREATE OR REPLACE FUNCTION kontor_erase_audit(content jsonb) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    erased integer;
BEGIN
    PERFORM set_config('kontor.evidence', 'open', true);
    UPDATE audit_log SET actor = r.actor, target = r.target, detail = r.detail, reason = NULL, origin = NULL,
        salt = NULL, signature = NULL, erased_at = r.erased_at
    FROM jsonb_to_recordset(content)
        AS r (seq bigint, actor text, target text, detail jsonb, erased_at timestamptz)
    WHERE audit_log.seq = r.seq AND audit_log.erased_at IS NULL;
    GET DIAGNOSTICS erased = ROW_COUNT;
    PERFORM set_config('kontor.evidence', '', true);
    RETURN erased;
END $$
"""
CUT = """
CREATE OR REPLACE FUNCTION kontor_cut_audit(last_number bigint) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    cut integer;
BEGIN
    PERFORM set_config('kontor.evidence', 'open', true);
    DELETE FROM audit_log WHERE seq IN (SELECT seq FROM audit_chain WHERE number <= last_number);
    GET DIAGNOSTICS cut = ROW_COUNT;
    DELETE FROM audit_chain WHERE number <= last_number;
    PERFORM set_config('kontor.evidence', '', true);
    RETURN cut;
END $$
"""
FIRST_HEAD = """
INSERT INTO audit_head (id, number, seq, hash, adopted_to, adopting_until)
SELECT 1, 0, 0, repeat('0', 64), coalesce(max(seq), 0),
    CASE WHEN count(*) > 0 THEN clock_timestamp() + interval '1 hour' END
FROM audit_log ON CONFLICT DO NOTHING
"""


def upgrade() -> None:
    """Move forward; safe while the previous release still runs: it writes rows that the chain takes in."""
    add = "ALTER TABLE audit_log ADD COLUMN IF NOT EXISTS"
    op.execute(f"{add} subjects uuid[] NOT NULL DEFAULT '{{}}'")
    op.execute(f"{add} salt text")
    op.execute(f"{add} signature text")
    op.execute(f"{add} erased_at timestamptz")
    _create_chain()
    op.execute(FIRST_HEAD)
    for statement in (KEEP, ERASE, CUT):
        op.execute(statement)
    for table in ("audit_log", "audit_chain"):
        for statement in TRIGGERS.format(table=table).strip().rstrip(";").split(";\n"):
            op.execute(statement)
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_audit_log_subjects", "audit_log", ["subjects"], postgresql_using="gin", postgresql_concurrently=True,
            if_not_exists=True,
        )  # fmt: skip
        op.create_index(
            "uq_audit_log_signature", "audit_log", ["signature"], unique=True, postgresql_concurrently=True,
            if_not_exists=True,
        )  # fmt: skip


def _create_chain() -> None:
    instant = postgresql.TIMESTAMP(timezone=True)
    op.create_table(
        "audit_chain",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("sealed_at", instant, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_chain")),
        if_not_exists=True,
    )
    op.create_index("uq_audit_chain_seq", "audit_chain", ["seq"], unique=True, if_not_exists=True)
    op.create_index("ix_audit_chain_sealed_at", "audit_chain", ["sealed_at", "seq"], if_not_exists=True)
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("adopted_to", sa.BigInteger(), nullable=False),
        sa.Column("adopting_until", instant, nullable=True),
        sa.Column("signature", sa.Text(), nullable=True),
        sa.Column("logged_on", sa.Date(), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_head_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
        if_not_exists=True,
    )
