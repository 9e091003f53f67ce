"""Row 6: mails sent as jobs, compared with a loop that only builds and sends the same messages."""

import time
from collections import defaultdict
from collections.abc import Sequence
from subprocess import Popen

from sqlalchemy import select
from sqlalchemy.orm import Session

from bench.environment import ROOT, BenchEnvironment
from bench.kontor import DATABASE, HOT, Kontor, environ, make_schema, sql_engine
from bench.mail_floor import floor, plain_bytes, sink
from bench.observation import Observation
from bench.processes import Command, Failed, check_alive, running
from bench.results import Budget, Row, of_samples, ratios
from bench.run import Run
from kontor.accounts import service as accounts
from kontor.accounts.service import NewAccount
from kontor.adapters.clock import SystemClock
from kontor.adapters.redis_doorbell import SilentRelayHint
from kontor.adapters.secrets import Argon2Passwords
from kontor.context import Context, Secrets
from kontor.engine.enqueue import Jobs
from kontor.kernel.database import PgConnection
from kontor.kernel.tokens import Tokens
from kontor.mailer.build import MailBuilder
from kontor.mailer.mime import BuiltMail
from kontor.mailer.render import Renderer
from kontor.mails import service as mails
from kontor.mails.dispatch import Dispatch, Dispatcher
from kontor.mails.preview import sample_facts
from kontor.mails.resend import RULES
from kontor.programme import files
from kontor.programme.service import Programmes
from models.accounts import Account
from models.mails import Mail
from tasks.catalogue import catalogue

TEMPLATE = "account-connected"
LANGUAGES = ("en", "de", "fr", "ru", "ja")
STUCK = 60.0
WINDOW = """
WITH numbered AS (
    SELECT finished_at AS at, row_number() OVER (PARTITION BY worker ORDER BY finished_at) AS nth
    FROM jobs_archive WHERE task = 'mail.send' AND state = 'succeeded'
), opening AS (SELECT max(at) AS at FROM numbered WHERE nth = %s)
SELECT count(*) FILTER (WHERE numbered.at > opening.at), extract(epoch FROM max(numbered.at) - max(opening.at))
FROM numbered, opening
"""
SENT = "SELECT count(*) FROM mails WHERE state = 'sent'"


def measure(run: Run) -> Row:
    """Both in turn, to a receiver that swallows everything."""
    environment, count = run.environment, run.share(2_000, 800)
    prepare(environment)
    rates: dict[str, list[float]] = defaultdict(list)
    with run.steps("mails", 2 * run.rounds + 1) as step, sink() as port:
        step("building the floor's messages")
        built = messages(environment, count)
        for number in range(run.rounds):
            for name in ("kontor", "floor")[:: 1 if number % 2 else -1]:
                step(f"round {number + 1}: {name}")
                rate = floor(port, built, plain_bytes) if name == "floor" else through_ledger(environment, port, count)
                rates[name].append(rate)
        ratio = of_samples("mails / build-and-send loop", ratios(rates["kontor"], rates["floor"]), "x", Budget(1.0))
        profile = why(environment, port, count * 2) if ratio.missed else []
    return Row("mails", "Mails over SMTP: job, rendering, sending, recording", [
        ratio,
        of_samples("mails", rates["kontor"], "mails/s"),
        of_samples("build-and-send loop", rates["floor"], "mails/s"),
    ], profile=profile)  # fmt: skip


def ledger() -> Jobs:
    """The way into the ledger with every task of the deployment."""
    return Jobs(catalogue(), SystemClock(), SilentRelayHint())


def prepare(environment: BenchEnvironment) -> None:
    """A programme, and an account for each language."""
    make_schema(environment)
    jobs = ledger()
    text = (ROOT / "examples" / "programmes" / "learning.yaml").read_text()
    ctx = Context(jobs, Programmes(), Secrets(passwords=Argon2Passwords()))
    with sql_engine(environment) as engine, Session(engine) as session:
        files.apply(session, "learning", text, now=jobs.clock.now(), actor="bench")
        for locale in LANGUAGES:
            new = NewAccount("learning", f"Bench {locale}", f"admin@{locale}.example", locale=locale)
            accounts.create(ctx, session, new)
        session.commit()


def post(environment: BenchEnvironment, count: int) -> None:
    """Fill the ledger with mails, each to an address of its own."""
    jobs, facts = ledger(), sample_facts()[TEMPLATE]
    with environment.connect(DATABASE) as connection:
        connection.execute(f"TRUNCATE mails, mail_recipients, {HOT} CASCADE")
    with sql_engine(environment) as engine, Session(engine) as session:
        rows = session.scalars(select(Account)).all()
        for n in range(count):
            account = rows[n % len(rows)]
            address = f"admin{n}@client.example"
            mails.post(session, jobs, template=TEMPLATE, account=account, facts=facts, fact_key=str(n), to=address)
        session.commit()


def messages(environment: BenchEnvironment, count: int) -> list[BuiltMail]:
    """The very messages that Kontor sends, built beforehand for the floor to build again."""
    post(environment, count)
    dispatcher = Dispatcher(RULES, Tokens(environ(environment)["SECRET_KEY"]), Programmes(), "http://127.0.0.1:8000")
    builder, now = MailBuilder(Renderer()), SystemClock().now()
    with sql_engine(environment) as engine, Session(engine) as session:
        plans = [dispatcher.prepare(session, mail_id, now) for mail_id in session.scalars(select(Mail.id)).all()]
        return [builder.build(plan.letter, plan.dated) for plan in plans if isinstance(plan, Dispatch)]


def commands(environment: BenchEnvironment, port: int) -> list[Command]:
    """A relay and two workers that send to the receiver."""
    extra = {"SMTP_URL": f"smtp://127.0.0.1:{port}"}
    plain = Kontor("kontor-mails", 0, "mail.send").commands(environment)
    return [Command(command.role, command.argv, {**command.environ, **extra}) for command in plain]


def through_ledger(
    environment: BenchEnvironment, port: int, count: int, observation: Observation | None = None
) -> float:
    """Mails per second once both workers are warm. Raises Failed when mails get stuck."""
    post(environment, count)
    environment.settle()
    log = environment.folder / "log" / "mails.log"
    with running(commands(environment, port), log) as processes, environment.connect(DATABASE) as connection:
        if observation is not None:
            wait_until_sent(connection, count // 8, processes, environment)
            observation.start({"relay": processes[0].pid, "worker 1": processes[1].pid})
        wait_until_sent(connection, count, processes, environment)
        row = connection.execute(WINDOW, (count // 16,)).fetchone()
    if row is None or not row[1]:
        raise Failed(f"only one worker sent mails; see {log}")
    return float(row[0]) / float(row[1])


def wait_until_sent(
    connection: PgConnection, count: int, processes: "Sequence[Popen[bytes]]", environment: BenchEnvironment
) -> None:
    """Return when so many mails were sent. Raises Failed."""
    seen, moved, log = -1, time.monotonic(), environment.folder / "log" / "mails.log"
    while seen < count:
        check_alive(processes, log)
        row = connection.execute(SENT).fetchone()
        now = int(row[0]) if row else 0
        if now > seen:
            seen, moved = now, time.monotonic()
        elif time.monotonic() - moved > STUCK:
            raise Failed(f"mails stopped at {seen} of {count}; see {log}")
        time.sleep(0.2)


def why(environment: BenchEnvironment, port: int, count: int) -> list[str]:
    """Profile one more round."""
    observation = Observation(environment, DATABASE)
    through_ledger(environment, port, count, observation)
    return observation.lines()
