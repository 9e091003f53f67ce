"""The first schema.

Revision: 0001, the first one.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move forward; safe while the previous release still runs."""
    op.create_table(
        "audit_log",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("origin", sa.Text(), nullable=True),
        sa.Column(
            "detail", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_log")),
    )
    op.create_index("ix_audit_log_target", "audit_log", ["target", "seq"], unique=False)
    op.create_table(
        "clock",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("now", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_clock_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock")),
    )
    op.create_table(
        "domain_events",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("reseller_id", sa.Uuid(), nullable=True),
        sa.Column("programme", sa.Text(), nullable=True),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_domain_events")),
    )
    op.create_index("ix_domain_events_account_id", "domain_events", ["account_id", "seq"], unique=False)
    op.create_index("ix_domain_events_reseller_id", "domain_events", ["reseller_id", "seq"], unique=False)
    op.create_index("uq_domain_events_id", "domain_events", ["id"], unique=True)
    op.create_table(
        "job_attempts",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("error", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('succeeded', 'failed', 'snoozed', 'cancelled', 'crashed', 'down')",
            name=op.f("ck_job_attempts_outcome"),
        ),
        sa.PrimaryKeyConstraint("job_id", "number", "seq", name=op.f("pk_job_attempts")),
    )
    op.create_table(
        "jobs",
        sa.Column("held", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), server_default="", nullable=False),
        sa.Column("lane", sa.Text(), nullable=True),
        sa.Column("priority", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("payload_version", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("unique_key", sa.Text(), nullable=True),
        sa.Column("once_key", sa.Text(), nullable=True),
        sa.Column("run_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempt", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("max_attempts", sa.SmallInteger(), nullable=False),
        sa.Column("crashes", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("lease", sa.Uuid(), nullable=True),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("result", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("error", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=True),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("trace_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('scheduled', 'queued', 'running', 'retrying', 'succeeded', 'dead', 'cancelled')",
            name=op.f("ck_jobs_state"),
        ),
        sa.CheckConstraint("priority BETWEEN 0 AND 9", name=op.f("ck_jobs_priority")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        postgresql_with={
            "fillfactor": "90",
            "autovacuum_vacuum_scale_factor": "0.01",
            "autovacuum_vacuum_threshold": "5000",
            "autovacuum_vacuum_cost_delay": "0",
        },
    )
    op.create_index(
        "ix_jobs_dead", "jobs", ["fingerprint", "id"], unique=False, postgresql_where=sa.text("state = 'dead'")
    )
    op.create_index(
        "ix_jobs_due", "jobs", ["run_at"], unique=False, postgresql_where=sa.text("state IN ('scheduled', 'retrying')")
    )
    op.create_index(
        "ix_jobs_lane",
        "jobs",
        ["lane", "id"],
        unique=False,
        postgresql_where=sa.text("lane IS NOT NULL AND state <> 'dead'"),
    )
    op.create_index(
        "ix_jobs_pick",
        "jobs",
        ["queue", sa.literal_column("priority DESC"), "tenant", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'queued' AND NOT held"),
    )
    op.create_index("ix_jobs_running", "jobs", ["worker"], unique=False, postgresql_where=sa.text("state = 'running'"))
    op.create_index(
        "uq_jobs_unique_key",
        "jobs",
        ["tenant", "task", "unique_key"],
        unique=True,
        postgresql_where=sa.text("unique_key IS NOT NULL AND state <> 'dead'"),
    )
    op.create_table(
        "jobs_archive",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), server_default="", nullable=False),
        sa.Column("lane", sa.Text(), nullable=True),
        sa.Column("priority", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("payload_version", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("unique_key", sa.Text(), nullable=True),
        sa.Column("once_key", sa.Text(), nullable=True),
        sa.Column("run_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempt", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("max_attempts", sa.SmallInteger(), nullable=False),
        sa.Column("crashes", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("lease", sa.Uuid(), nullable=True),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("result", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("error", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=True),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("trace_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('scheduled', 'queued', 'running', 'retrying', 'succeeded', 'dead', 'cancelled')",
            name=op.f("ck_jobs_archive_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs_archive")),
        postgresql_with={"autovacuum_vacuum_insert_scale_factor": "0.05"},
    )
    op.create_index(
        "ix_jobs_archive_finished_at", "jobs_archive", ["finished_at"], unique=False, postgresql_using="brin"
    )
    op.create_index(
        "ix_jobs_archive_tenant",
        "jobs_archive",
        ["tenant", "id"],
        unique=False,
        postgresql_where=sa.text("tenant <> ''"),
    )
    op.create_table(
        "lanes",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="closed", nullable=False),
        sa.Column("busy_with", sa.Uuid(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("held_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("probe_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('closed', 'open', 'forced')", name=op.f("ck_lanes_state")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lanes")),
    )
    op.create_index(
        "ix_lanes_probe_at", "lanes", ["probe_at"], unique=False, postgresql_where=sa.text("state = 'open'")
    )
    op.create_table(
        "mail_opt_outs",
        sa.Column("address_key", sa.Text(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("address_key", "template", name=op.f("pk_mail_opt_outs")),
    )
    op.create_table(
        "mails",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("reseller_id", sa.Uuid(), nullable=True),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "refs", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("fact_key", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("sender", sa.Text(), nullable=True),
        sa.Column("from_address", sa.Text(), nullable=True),
        sa.Column("reply_to", sa.Text(), nullable=True),
        sa.Column("raw", sa.Text(), nullable=True),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'sent', 'skipped', 'suppressed', 'failed')", name=op.f("ck_mails_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
    )
    op.create_index("ix_mails_account_id", "mails", ["account_id", "id"], unique=False)
    op.create_index("ix_mails_reseller_id", "mails", ["reseller_id", "id"], unique=False)
    op.create_index(
        "ix_mails_state", "mails", ["state", "id"], unique=False, postgresql_where=sa.text("state <> 'sent'")
    )
    op.create_index("ix_mails_template", "mails", ["template", "id"], unique=False)
    op.create_index("uq_mails_identity", "mails", ["identity"], unique=True)
    op.create_table(
        "once_keys",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_once_keys")),
    )
    op.create_table(
        "operators",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("one_time", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role IN ('viewer', 'operator', 'admin')", name=op.f("ck_operators_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operators")),
    )
    op.create_index("uq_operators_email_key", "operators", ["email_key"], unique=True)
    op.create_table(
        "programmes",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_by", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_programmes")),
    )
    op.create_table(
        "queues",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("paused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("concurrency", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_queues")),
    )
    op.create_table(
        "schedules",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("cron", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("misfire", sa.Text(), nullable=False),
        sa.Column("paused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("retired", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("checked_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("misfire IN ('skip', 'once', 'all')", name=op.f("ck_schedules_misfire")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_schedules")),
    )
    op.create_table(
        "suppressions",
        sa.Column("address_key", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("address_key", name=op.f("pk_suppressions")),
    )
    op.create_table(
        "worker_processes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("threads", sa.Integer(), nullable=False),
        sa.Column("queues", postgresql.ARRAY(sa.TEXT()), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("draining", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("memory_bytes", sa.BigInteger(), nullable=True),
        sa.Column("running", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker_processes")),
    )
    op.create_table(
        "accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="regular", nullable=False),
        sa.Column("party", sa.Text(), server_default="company", nullable=False),
        sa.Column("reseller_id", sa.Uuid(), nullable=True),
        sa.Column("admin_email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("email_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), server_default="free", nullable=False),
        sa.Column("trial_state", sa.Text(), server_default="none", nullable=False),
        sa.Column("trial_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trial_ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("suspended", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("terms_version", sa.Text(), nullable=True),
        sa.Column("terms_accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("purged_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(kind = 'client') = (reseller_id IS NOT NULL)", name=op.f("ck_accounts_attached")),
        sa.CheckConstraint("kind IN ('regular', 'reseller', 'client')", name=op.f("ck_accounts_kind")),
        sa.CheckConstraint("party IN ('company', 'person')", name=op.f("ck_accounts_party")),
        sa.CheckConstraint(
            "trial_state IN ('none', 'running', 'converted', 'expired')", name=op.f("ck_accounts_trial_state")
        ),
        sa.CheckConstraint("char_length(name) BETWEEN 1 AND 100", name=op.f("ck_accounts_name_length")),
        sa.ForeignKeyConstraint(["programme"], ["programmes.code"], name=op.f("fk_accounts_programme")),
        sa.ForeignKeyConstraint(["reseller_id"], ["accounts.id"], name=op.f("fk_accounts_reseller_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
    )
    op.create_index(
        "ix_accounts_deleted_at",
        "accounts",
        ["deleted_at"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NOT NULL AND purged_at IS NULL"),
    )
    op.create_index("ix_accounts_email_key", "accounts", ["email_key"], unique=False)
    op.create_index("ix_accounts_kind", "accounts", ["kind", "id"], unique=False)
    op.create_index("ix_accounts_programme", "accounts", ["programme", "id"], unique=False)
    op.create_index(
        "ix_accounts_reseller_id",
        "accounts",
        ["reseller_id", "id"],
        unique=False,
        postgresql_where=sa.text("reseller_id IS NOT NULL"),
    )
    op.create_index(
        "uq_accounts_name_key", "accounts", ["name_key"], unique=True, postgresql_where=sa.text("purged_at IS NULL")
    )
    op.create_table(
        "mail_recipients",
        sa.Column("mail_id", sa.Uuid(), nullable=False),
        sa.Column("address_key", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("tries", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role IN ('to', 'cc')", name=op.f("ck_mail_recipients_role")),
        sa.CheckConstraint(
            "state IN ('queued', 'sent', 'suppressed', 'failed')", name=op.f("ck_mail_recipients_state")
        ),
        sa.ForeignKeyConstraint(["mail_id"], ["mails.id"], name=op.f("fk_mail_recipients_mail_id")),
        sa.PrimaryKeyConstraint("mail_id", "address_key", name=op.f("pk_mail_recipients")),
    )
    op.create_table(
        "operator_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("operator_id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("csrf", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["operator_id"], ["operators.id"], name=op.f("fk_operator_sessions_operator_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_sessions")),
    )
    op.create_index("ix_operator_sessions_operator_id", "operator_sessions", ["operator_id"], unique=False)
    op.create_index("uq_operator_sessions_secret_hash", "operator_sessions", ["secret_hash"], unique=True)
    op.create_table(
        "schedule_occurrences",
        sa.Column("schedule", sa.Text(), nullable=False),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fired_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("skipped", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(["schedule"], ["schedules.name"], name=op.f("fk_schedule_occurrences_schedule")),
        sa.PrimaryKeyConstraint("schedule", "slot", name=op.f("pk_schedule_occurrences")),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.TEXT()), nullable=False),
        sa.Column("reseller_id", sa.Uuid(), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "scopes <@ ARRAY['read', 'enqueue', 'operate', 'admin'] AND cardinality(scopes) > 0",
            name=op.f("ck_api_keys_scopes"),
        ),
        sa.CheckConstraint("reseller_id IS NULL OR account_id IS NULL", name=op.f("ck_api_keys_one_binding")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_api_keys_account_id")),
        sa.ForeignKeyConstraint(["reseller_id"], ["accounts.id"], name=op.f("fk_api_keys_reseller_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
    )
    op.create_index("ix_api_keys_account_id", "api_keys", ["account_id"], unique=False)
    op.create_index("ix_api_keys_reseller_id", "api_keys", ["reseller_id"], unique=False)
    op.create_index("uq_api_keys_secret_hash", "api_keys", ["secret_hash"], unique=True)
    op.create_table(
        "brands",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("logo_url", sa.Text(), nullable=True),
        sa.Column(
            "colours", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("favicon_url", sa.Text(), nullable=True),
        sa.Column("domain", sa.Text(), nullable=True),
        sa.Column("from_address", sa.Text(), nullable=True),
        sa.Column(
            "support", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_brands_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_brands")),
    )
    op.create_table(
        "connect_failures",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["reseller_id"], ["accounts.id"], name=op.f("fk_connect_failures_reseller_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_connect_failures")),
    )
    op.create_index("ix_connect_failures_name_key", "connect_failures", ["name_key", "at"], unique=False)
    op.create_index("ix_connect_failures_reseller_id", "connect_failures", ["reseller_id", "at"], unique=False)
    op.create_table(
        "instances",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret_sealed", sa.Text(), nullable=False),
        sa.Column("old_secret_sealed", sa.Text(), nullable=True),
        sa.Column("old_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_instances_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_instances")),
    )
    op.create_table(
        "offer_templates",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("lines", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["reseller_id"], ["accounts.id"], name=op.f("fk_offer_templates_reseller_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offer_templates")),
        sa.UniqueConstraint("reseller_id", "name", name=op.f("uq_offer_templates_reseller_id_name")),
    )
    op.create_table(
        "verified_domains",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_by", sa.Text(), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_verified_domains_account_id")),
        sa.PrimaryKeyConstraint("account_id", "domain", name=op.f("pk_verified_domains")),
    )
    op.create_index("ix_verified_domains_domain", "verified_domains", ["domain"], unique=False)
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reseller_id", sa.Uuid(), nullable=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", postgresql.ARRAY(sa.TEXT()), nullable=False),
        sa.Column("secret_sealed", sa.Text(), nullable=False),
        sa.Column("old_secret_sealed", sa.Text(), nullable=True),
        sa.Column("old_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["reseller_id"], ["accounts.id"], name=op.f("fk_webhook_endpoints_reseller_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
    )
    op.create_index(
        "ix_webhook_endpoints_reseller_id",
        "webhook_endpoints",
        ["reseller_id"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "idempotent_answers",
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("busy_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["api_keys.id"], name=op.f("fk_idempotent_answers_key_id")),
        sa.PrimaryKeyConstraint("key_id", "idempotency_key", name=op.f("pk_idempotent_answers")),
    )
    op.create_index("ix_idempotent_answers_created_at", "idempotent_answers", ["created_at"], unique=False)
    op.create_table(
        "offers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("reseller_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("template_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("lines", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("changes", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("delivery_job_id", sa.Uuid(), nullable=True),
        sa.Column("delivery_attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("delivery_doubts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("delivery_error", sa.Text(), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("grant_state", sa.Text(), server_default="none", nullable=False),
        sa.Column("grant_error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(state = 'cancelled') = (reason IS NOT NULL)", name=op.f("ck_offers_cancelled_with_reason")
        ),
        sa.CheckConstraint(
            "grant_state IN ('none', 'pending', 'applied', 'failed')", name=op.f("ck_offers_grant_state")
        ),
        sa.CheckConstraint("reason IN ('withdrawn', 'expired', 'account_closed')", name=op.f("ck_offers_reason")),
        sa.CheckConstraint(
            "state IN ('waiting', 'waiting_for_confirmation', 'accepted', 'rejected', 'cancelled')",
            name=op.f("ck_offers_state"),
        ),
        sa.CheckConstraint("expires_at > created_at", name=op.f("ck_offers_expires_later")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_offers_account_id")),
        sa.ForeignKeyConstraint(["reseller_id"], ["accounts.id"], name=op.f("fk_offers_reseller_id")),
        sa.ForeignKeyConstraint(
            ["template_id"], ["offer_templates.id"], name=op.f("fk_offers_template_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offers")),
    )
    op.create_index("ix_offers_account_id", "offers", ["account_id", "id"], unique=False)
    op.create_index(
        "ix_offers_open",
        "offers",
        ["account_id", "expires_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('waiting', 'waiting_for_confirmation')"),
    )
    op.create_index("ix_offers_reseller_id", "offers", ["reseller_id", "id"], unique=False)
    op.create_index(
        "ix_offers_template_id",
        "offers",
        ["template_id"],
        unique=False,
        postgresql_where=sa.text("template_id IS NOT NULL"),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.Text(), nullable=False),
        sa.Column("event_seq", sa.BigInteger(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('pending', 'delivered', 'failed')", name=op.f("ck_webhook_deliveries_state")),
        sa.ForeignKeyConstraint(
            ["endpoint_id"], ["webhook_endpoints.id"], name=op.f("fk_webhook_deliveries_endpoint_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        sa.UniqueConstraint("endpoint_id", "event_seq", name=op.f("uq_webhook_deliveries_endpoint_id_event_seq")),
    )
    op.create_index("ix_webhook_deliveries_endpoint_id", "webhook_deliveries", ["endpoint_id", "id"], unique=False)
    op.create_table(
        "grants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mode IN ('absolute', 'relative')", name=op.f("ck_grants_mode")),
        sa.CheckConstraint("count >= 0", name=op.f("ck_grants_count")),
        sa.CheckConstraint("ends_at >= starts_at", name=op.f("ck_grants_ends_later")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_grants_account_id")),
        sa.ForeignKeyConstraint(["offer_id"], ["offers.id"], name=op.f("fk_grants_offer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grants")),
        sa.UniqueConstraint("offer_id", "line_no", name=op.f("uq_grants_offer_id_line_no")),
    )
    op.create_index("ix_grants_account_id", "grants", ["account_id", "product"], unique=False)
    op.create_index(
        "ix_grants_running",
        "grants",
        ["account_id", "product", "ends_at"],
        unique=False,
        postgresql_where=sa.text("replaced_at IS NULL"),
    )
    op.create_table(
        "offer_events",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "event IN ('send', 'delivered', 'accept', 'reject', 'withdraw', 'expire', 'close_account')",
            name=op.f("ck_offer_events_event"),
        ),
        sa.CheckConstraint(
            "from_state IN ('waiting', 'waiting_for_confirmation', 'accepted', 'rejected', 'cancelled')",
            name=op.f("ck_offer_events_from_state"),
        ),
        sa.CheckConstraint(
            "to_state IN ('waiting', 'waiting_for_confirmation', 'accepted', 'rejected', 'cancelled')",
            name=op.f("ck_offer_events_to_state"),
        ),
        sa.ForeignKeyConstraint(["offer_id"], ["offers.id"], name=op.f("fk_offer_events_offer_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_offer_events")),
        sa.UniqueConstraint("offer_id", "number", name=op.f("uq_offer_events_offer_id_number")),
    )


def downgrade() -> None:
    """Move back."""
    op.drop_table("offer_events")
    op.drop_index("ix_grants_account_id", table_name="grants")
    op.drop_index("ix_grants_running", table_name="grants", postgresql_where=sa.text("replaced_at IS NULL"))
    op.drop_table("grants")
    op.drop_index("ix_webhook_deliveries_endpoint_id", table_name="webhook_deliveries")
    op.drop_table("webhook_deliveries")
    op.drop_index("ix_offers_template_id", table_name="offers", postgresql_where=sa.text("template_id IS NOT NULL"))
    op.drop_index("ix_offers_reseller_id", table_name="offers")
    op.drop_index(
        "ix_offers_open",
        table_name="offers",
        postgresql_where=sa.text("state IN ('waiting', 'waiting_for_confirmation')"),
    )
    op.drop_index("ix_offers_account_id", table_name="offers")
    op.drop_table("offers")
    op.drop_index("ix_idempotent_answers_created_at", table_name="idempotent_answers")
    op.drop_table("idempotent_answers")
    op.drop_index(
        "ix_webhook_endpoints_reseller_id",
        table_name="webhook_endpoints",
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.drop_table("webhook_endpoints")
    op.drop_index("ix_verified_domains_domain", table_name="verified_domains")
    op.drop_table("verified_domains")
    op.drop_table("offer_templates")
    op.drop_table("instances")
    op.drop_index("ix_connect_failures_reseller_id", table_name="connect_failures")
    op.drop_index("ix_connect_failures_name_key", table_name="connect_failures")
    op.drop_table("connect_failures")
    op.drop_table("brands")
    op.drop_index("uq_api_keys_secret_hash", table_name="api_keys")
    op.drop_index("ix_api_keys_reseller_id", table_name="api_keys")
    op.drop_index("ix_api_keys_account_id", table_name="api_keys")
    op.drop_table("api_keys")
    op.drop_table("schedule_occurrences")
    op.drop_index("uq_operator_sessions_secret_hash", table_name="operator_sessions")
    op.drop_index("ix_operator_sessions_operator_id", table_name="operator_sessions")
    op.drop_table("operator_sessions")
    op.drop_table("mail_recipients")
    op.drop_index("uq_accounts_name_key", table_name="accounts", postgresql_where=sa.text("purged_at IS NULL"))
    op.drop_index("ix_accounts_reseller_id", table_name="accounts", postgresql_where=sa.text("reseller_id IS NOT NULL"))
    op.drop_index("ix_accounts_programme", table_name="accounts")
    op.drop_index("ix_accounts_kind", table_name="accounts")
    op.drop_index("ix_accounts_email_key", table_name="accounts")
    op.drop_index(
        "ix_accounts_deleted_at",
        table_name="accounts",
        postgresql_where=sa.text("deleted_at IS NOT NULL AND purged_at IS NULL"),
    )
    op.drop_table("accounts")
    op.drop_table("worker_processes")
    op.drop_table("suppressions")
    op.drop_table("schedules")
    op.drop_table("queues")
    op.drop_table("programmes")
    op.drop_index("uq_operators_email_key", table_name="operators")
    op.drop_table("operators")
    op.drop_table("once_keys")
    op.drop_index("uq_mails_identity", table_name="mails")
    op.drop_index("ix_mails_template", table_name="mails")
    op.drop_index("ix_mails_state", table_name="mails", postgresql_where=sa.text("state <> 'sent'"))
    op.drop_index("ix_mails_reseller_id", table_name="mails")
    op.drop_index("ix_mails_account_id", table_name="mails")
    op.drop_table("mails")
    op.drop_table("mail_opt_outs")
    op.drop_index("ix_lanes_probe_at", table_name="lanes", postgresql_where=sa.text("state = 'open'"))
    op.drop_table("lanes")
    op.drop_index("ix_jobs_archive_tenant", table_name="jobs_archive", postgresql_where=sa.text("tenant <> ''"))
    op.drop_index("ix_jobs_archive_finished_at", table_name="jobs_archive", postgresql_using="brin")
    op.drop_table("jobs_archive")
    op.drop_index(
        "uq_jobs_unique_key", table_name="jobs", postgresql_where=sa.text("unique_key IS NOT NULL AND state <> 'dead'")
    )
    op.drop_index("ix_jobs_running", table_name="jobs", postgresql_where=sa.text("state = 'running'"))
    op.drop_index("ix_jobs_pick", table_name="jobs", postgresql_where=sa.text("state = 'queued' AND NOT held"))
    op.drop_index("ix_jobs_lane", table_name="jobs", postgresql_where=sa.text("lane IS NOT NULL AND state <> 'dead'"))
    op.drop_index("ix_jobs_due", table_name="jobs", postgresql_where=sa.text("state IN ('scheduled', 'retrying')"))
    op.drop_index("ix_jobs_dead", table_name="jobs", postgresql_where=sa.text("state = 'dead'"))
    op.drop_table("jobs")
    op.drop_table("job_attempts")
    op.drop_index("uq_domain_events_id", table_name="domain_events")
    op.drop_index("ix_domain_events_reseller_id", table_name="domain_events")
    op.drop_index("ix_domain_events_account_id", table_name="domain_events")
    op.drop_table("domain_events")
    op.drop_table("clock")
    op.drop_index("ix_audit_log_target", table_name="audit_log")
    op.drop_table("audit_log")
