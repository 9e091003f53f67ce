"""The guards of tests/guards.toml, and which of them a run takes."""

import ast
import random
import subprocess
import tomllib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

FILE = Path("tests") / "guards.toml"


class BadGuards(Exception):
    """The file of guards cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Guard:
    """A promise, the mutation that breaks it (`old`, once in `file`, becomes `new`), and the tests that notice."""

    id: str
    promise: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    @property
    def paths(self) -> set[str]:
        """The files that the guard names."""
        return {self.file, *(test.partition("::")[0] for test in self.tests)}


def parse(source: str) -> list[Guard]:
    """Read guards. Raises BadGuards."""
    names = {field.name for field in fields(Guard)}
    guards = []
    for entry in tomllib.loads(source).get("guard", []):
        if set(entry) != names or not entry["tests"]:
            raise BadGuards(f"guard {entry.get('id', '?')}: give exactly {', '.join(sorted(names))}, with tests")
        guards.append(Guard(**{**entry, "tests": tuple(entry["tests"])}))
    ids = [guard.id for guard in guards]
    doubled = sorted({name for name in ids if ids.count(name) > 1})
    if doubled:
        raise BadGuards(f"two guards are called {', '.join(doubled)}")
    return guards


def misplaced(guard: Guard, root: Path) -> str | None:
    """Why the mutation cannot be applied under `root`; None when it can."""
    path = root / guard.file
    if not path.is_file():
        return f"there is no file {guard.file}"
    count = path.read_text(encoding="utf-8").count(guard.old)
    if count != 1:
        return f"`old` occurs {count} times in {guard.file}, not once"
    return None if guard.new != guard.old else "`new` is `old`"


def missing_tests(guard: Guard, root: Path) -> list[str]:
    """The tests of a guard that do not exist under `root`; parameters are not checked."""
    return [test for test in guard.tests if not _exists(test, root)]


def _exists(test: str, root: Path) -> bool:
    path, _, rest = test.partition("::")
    if not (root / path).is_file():
        return False
    names = {part.partition("[")[0] for part in rest.split("::") if part}
    nodes = ast.walk(ast.parse((root / path).read_text(encoding="utf-8")))
    return names <= {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def chosen(
    guards: Sequence[Guard], *, only: Collection[str] = (), touched: Collection[str] | None = None,
    edited: Collection[str] = (), sample: int | None = None, at_most: int | None = None, seed: str = "",
) -> list[Guard]:  # fmt: skip
    """Take the guards named by `only`; else those of `touched` files or `edited` entries, and a sample of the rest.

    All of them when neither is given. `at_most` leaves some of the sample out first, then of the touched files.
    Raises BadGuards for an unknown id.
    """
    if only:
        unknown = sorted(set(only) - {guard.id for guard in guards})
        if unknown:
            raise BadGuards(f"there is no guard {', '.join(unknown)}")
        return [guard for guard in guards if guard.id in only]
    if touched is None and sample is None:
        return list(guards)
    shuffled = random.Random(seed).sample(guards, len(guards))
    new = [guard.id for guard in shuffled if guard.id in edited]
    changed = [guard.id for guard in shuffled if guard.id not in new and guard.paths & set(touched or ())]
    rest = [guard.id for guard in shuffled if guard.id not in {*new, *changed}]
    picked = set([*new, *changed, *rest[: sample or 0]][:at_most])
    return [guard for guard in guards if guard.id in picked]


def touched_since(root: Path, revision: str) -> set[str]:
    """The files that differ from a revision, uncommitted and untracked ones too."""
    differing = _git(root, "diff", "--name-only", revision, "--")
    return {*differing, *_git(root, "ls-files", "--others", "--exclude-standard")}


def edited_since(root: Path, revision: str, guards: Iterable[Guard]) -> set[str]:
    """The ids of guards that the revision lacks or has otherwise."""
    listed = _git(root, "ls-tree", "--name-only", revision, "--", FILE.as_posix())
    before = set(parse("\n".join(_git(root, "show", f"{revision}:{FILE.as_posix()}")))) if listed else set()
    return {guard.id for guard in guards if guard not in before}


def head(root: Path) -> str:
    """The commit that is checked out, or nothing outside a repository."""
    result = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=False)
    return result.stdout.strip()


def _git(root: Path, *arguments: str) -> list[str]:
    result = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    if result.returncode:
        raise BadGuards(f"git {' '.join(arguments)}: {result.stderr.strip()}")
    return result.stdout.splitlines()
