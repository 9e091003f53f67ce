"""What the code never does, so that no input reaches an interpreter, and what secrets are made of (ASVS 5)."""

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path

from devtools.source import ROOT
from kontor.adapters.secrets import Argon2Passwords
from kontor.kernel.data_keys import KeyPurpose
from kontor.operators import sessions

PRODUCT = ("kontor", "workers", "tasks", "models")
STARTS_PROGRAMS = {"kontor/adapters/embedded", "kontor/cli/main.py", "kontor/cli/processes.py", "workers"}
"""The embedded servers, git for `--version`, `kontor bench`, processes of `kontor up`: with arguments of our own."""

INTERPRETERS = {"eval", "exec", "compile", "os.system", "os.popen", "pickle.load", "pickle.loads", "marshal.loads"}
PROGRAMS = re.compile(r"^(subprocess\.\w+|Popen|os\.(exec|spawn|posix_spawn)\w*)$")
PATTERNS = re.compile(r"^re\.(compile|match|fullmatch|search|sub|subn|split|findall|finditer)$")
OWN_PATTERNS = {
    "kontor/payments/import_mapping.py",
    "kontor/payments/import_presets.py",
    "kontor/payments/import_target.py",
}
"""Of files on the server: days of mappings, part by part escaped; our own presets; `kontor import payments --match`."""

RANDOM_BYTES = 15
"""A first password has 120 bits, all other secrets at least 128."""


@cache
def sources() -> tuple[tuple[str, ast.Module], ...]:
    """Every module of the product by its path."""
    paths = [path for folder in PRODUCT for path in sorted((ROOT / folder).rglob("*.py"))]
    return tuple((str(path.relative_to(ROOT)), ast.parse(path.read_text())) for path in [*paths, ROOT / "scheduler.py"])


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    """(path, name of what is called, call)."""
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield path, ast.unparse(node.func), node


def scripts(*folders: str) -> Iterator[tuple[str, str]]:
    """The scripts and templates of pages."""
    for folder in folders:
        for path in sorted(Path(ROOT / folder).rglob("*")):
            if path.suffix in {".js", ".html"} and not path.name.endswith(".min.js"):
                yield str(path.relative_to(ROOT)), path.read_text()


def test_no_input_is_evaluated_or_unpickled() -> None:
    assert [(path, name) for path, name, _ in calls() if name in INTERPRETERS or name == "yaml.load"] == []


def test_programs_are_started_by_few_modules_and_never_by_a_shell() -> None:
    starting = {path for path, name, _ in calls() if PROGRAMS.match(name)}
    assert [path for path in starting if not any(path.startswith(each) for each in STARTS_PROGRAMS)] == []
    assert [path for path, _, call in calls() if any(word.arg == "shell" for word in call.keywords)] == []


def test_patterns_are_written_in_the_code() -> None:
    made = {
        path
        for path, name, call in calls()
        if PATTERNS.match(name) and not isinstance(call.args[0], ast.Constant | ast.JoinedStr | ast.BinOp | ast.Name)
    }
    named = {path for path, name, call in calls() if PATTERNS.match(name) and isinstance(call.args[0], ast.Name)}
    assert (made | named) - OWN_PATTERNS == set()


def test_secrets_come_from_the_systems_source_and_are_long_enough() -> None:
    weak = [
        (path, name)
        for path, name, call in calls()
        if name.startswith("secrets.token_")
        and path.split("/")[0] == "kontor"
        and isinstance(call.args[0], ast.Constant)
        and int(str(call.args[0].value)) < RANDOM_BYTES
    ]
    assert weak == []
    imports = [
        path
        for path, tree in sources()
        for node in ast.walk(tree)
        if (isinstance(node, ast.ImportFrom) and node.module == "random")
        or (isinstance(node, ast.Import) and any(alias.name == "random" for alias in node.names))
    ]
    pauses = {"workers/worker.py", "kontor/task_types/leases.py"}
    assert set(imports) <= pauses, "only pauses between tries are random by another source"


def test_passwords_are_hashed_with_argon2id_at_the_recommended_cost() -> None:
    cost = re.fullmatch(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$.+", Argon2Passwords().hash("a long password"))
    assert cost is not None
    assert int(cost[1]) >= 19_456
    assert int(cost[2]) >= 2


def test_passwords_are_masked_and_may_be_pasted_and_stored() -> None:
    fields = [
        (path, tag)
        for path, text in scripts("templates/console", "templates/pages")
        for tag in re.findall(r"<input[^>]*name=\"(?:\w*password|old|new)\"[^>]*>", text)
    ]
    assert len(fields) >= 5
    assert [each for each in fields if 'type="password"' not in each[1]] == []
    assert [each for each in fields if not re.search(r'autocomplete="(new|current)-password"', each[1])] == []
    every = list(scripts("kontor/console/static", "templates"))
    assert [path for path, text in every if "onpaste" in text or "'paste'" in text or '"paste"' in text] == []


def test_scripts_keep_nothing_in_the_browser_and_run_no_text() -> None:
    never = re.compile(r"localStorage|sessionStorage|indexedDB|document\.write|\beval\(|new Function|__proto__")
    assert [path for path, text in scripts("kontor/console/static", "templates") if never.search(text)] == []


def test_time_outs_of_sessions_are_those_of_the_page() -> None:
    page = " ".join((ROOT / "docs" / "how-to" / "operate.md").read_text().split())
    hours, minutes = sessions.SESSION_LIFE // timedelta(hours=1), sessions.IDLE_LIFE // timedelta(minutes=1)
    assert f"A session lasts {hours} hours, and ends when nobody uses it for {minutes} minutes." in page
    assert f"A browser that signed in within {sessions.DEVICE_LIFE.days} days" in page


def test_inventory_of_keys_names_every_data_key() -> None:
    page = (ROOT / "docs" / "explanation" / "security.md").read_text()
    inventory = page.partition("## Keys and algorithms")[2].partition("\n## ")[0]
    assert [purpose.value for purpose in KeyPurpose if f"`{purpose.value}`" not in inventory] == []
