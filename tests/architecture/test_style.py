import ast
import re
from pathlib import Path

from devtools.source import ROOT, calls, everything, name, nodes, product, tree

CLOCK = "kontor/adapters/clock.py"
BANNED_CALLS = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns",
    "datetime.datetime.now", "datetime.date.today",
}  # fmt: skip
BANNED_NAMES = re.compile(r"(^|_)(utils?|commons?|helpers?|managers?|misc)(_|$)|Manager|Helper|Util")
COMMITTING_MODULES = {
    "kontor/engine/pipelined.py",
    "kontor/http/transaction.py",  # the commit of API, portal and console
    "kontor/cli/context.py",
    "kontor/engine/runtime.py",  # the commits of the runner
    "kontor/engine/transactional.py",
    "scheduler.py",
    "workers/sealing.py",
    "workers/first_login.py",
    "workers/sandbox.py",
    "devtools/simulation/environment.py",
    "workers/namespaces.py",  # a restored copy is held back before anything else starts
}
CATCH_ALL_MODULES = {
    "kontor/bulk/dry_run.py",  # it reports any error a handler would raise
    "workers/heartbeat.py",  # any error ends the process
    "kontor/engine/external.py",  # whatever an act raises ends its own job
    "kontor/engine/group_commit.py",  # each thread of a group learns of it
    "kontor/engine/turns.py",  # it lets go of leases and raises again
    "kontor/engine/schedules.py",  # one schedule that fails stops no other
    "kontor/http/edge.py",  # the outermost layer: what nothing else expected is logged and answered
    "scheduler.py",  # it must survive everything
}
BUILT_BY_PROCESSES = {"create_engine", "Redis", "Redis.from_url", "redis.Redis.from_url", "RedisBroker", "load"}
SUPPRESSION = re.compile(r"#\s*(noqa|type:\s*ignore|fmt:\s*(off|skip)|pragma)(?P<rest>.*)")


def test_only_the_clock_adapter_reads_the_time() -> None:
    calls_outside = [
        f"{name(path)}:{line} {call}"
        for path in product()
        for line, call in calls(path)
        if call in BANNED_CALLS and name(path) != CLOCK
    ]
    assert calls_outside == []


def test_no_module_class_or_function_has_a_banned_name() -> None:
    modules = [name(path) for path in everything() if BANNED_NAMES.search(path.stem)]
    classes = [
        f"{name(path)}:{node.lineno} {node.name}"
        for path in everything()
        for node in nodes(path)
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and BANNED_NAMES.search(node.name)
    ]
    assert modules + classes == []


def commits(path: Path) -> bool:
    """Whether a module commits a transaction: by a session, a connection, or in SQL."""
    by_call = any(
        (call.endswith(".commit") and call != "savepoint.commit") or call.endswith("session.begin")
        for _, call in calls(path)
    )
    texts = (node.value for node in nodes(path) if isinstance(node, ast.Constant))
    return by_call or any(isinstance(value, str) and value.strip().upper() == "COMMIT" for value in texts)


def test_only_boundary_modules_commit_and_each_of_them_does() -> None:
    assert {name(path) for path in product() if commits(path)} == COMMITTING_MODULES


def test_one_function_writes_the_audit_log() -> None:
    writers = [name(path) for path in product() for _, call in calls(path) if call.split(".")[-1] == "AuditEntry"]
    assert writers == ["kontor/audit.py"]


def test_only_listed_modules_catch_every_exception() -> None:
    handlers = []
    for path in product():
        for node in nodes(path):
            if isinstance(node, ast.ExceptHandler) and name(path) not in CATCH_ALL_MODULES:
                caught = "" if node.type is None else ast.unparse(node.type)
                if node.type is None or caught in {"Exception", "BaseException"}:
                    handlers.append(f"{name(path)}:{node.lineno}")
    assert handlers == []


def test_no_module_builds_anything_on_import() -> None:
    built = []
    for path in product():
        for statement in tree(path).body:
            if isinstance(statement, ast.Assign | ast.AnnAssign | ast.Expr):
                names = {ast.unparse(node.func) for node in ast.walk(statement) if isinstance(node, ast.Call)}
                built += [f"{name(path)}:{statement.lineno} {call}" for call in names & BUILT_BY_PROCESSES]
    assert built == []


def is_over_an_enum(node: ast.Match) -> bool:
    """Whether a match lists members of an enum, so that one could be missing."""
    return any(isinstance(child, ast.MatchValue) and isinstance(child.value, ast.Attribute) for child in ast.walk(node))


def test_every_match_over_an_enum_ends_in_assert_never() -> None:
    missing = [
        f"{name(path)}:{node.lineno}"
        for path in product()
        for node in nodes(path)
        if isinstance(node, ast.Match) and is_over_an_enum(node)
        if "assert_never(" not in ast.unparse(node.cases[-1])
    ]
    assert missing == []


def test_every_suppression_names_its_code_and_its_reason() -> None:
    unexplained = []
    for path in everything():
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if (hit := SUPPRESSION.search(line)) and "fmt" not in hit[1]:
                coded = re.match(r"(:\s*[A-Z]+\d+|\[[a-z-]+(, [a-z-]+)*\])", hit["rest"].strip())
                reason = re.search(r"(--|#)\s*\S+", hit["rest"])
                if not coded or not reason:
                    unexplained.append(f"{name(path)}:{number}")
    assert unexplained == []


def test_no_committed_file_names_this_machine_or_a_package_index() -> None:
    words = [word.replace("~", "") for word in ("/wo~rk/", "/opt/py~pi", "py~pi.org", "python~hosted", "/ro~ot/")]
    texts = [
        path
        for pattern in ("*.toml", "*.lock", "*.in", "*.md", "*.ini", "*.yaml", "Makefile", "Procfile", ".env.example")
        for path in ROOT.glob(pattern)
    ]
    hits = [f"{name(path)}: {word}" for path in [*everything(), *texts] for word in words if word in path.read_text()]
    assert hits == []
