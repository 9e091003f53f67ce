"""The code base as data: its files and their syntax trees."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (
    "adapters", "api", "commands", "console", "domain", "engine", "mail", "models", "services", "store", "tasks",
    "workers",
)  # fmt: skip
MODULES = ("kontor/cli/main.py", "scheduler.py")


@cache
def product() -> tuple[Path, ...]:
    """Every module of the product."""
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return tuple(sorted([*paths, *(ROOT / name for name in MODULES if (ROOT / name).exists())]))


@cache
def everything() -> tuple[Path, ...]:
    """Every module, including tests and benches."""
    more = [path for folder in ("tests", "bench", "migrations") for path in (ROOT / folder).rglob("*.py")]
    return tuple(sorted([*product(), *more]))


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(path.read_text(), filename=str(path))


def name(path: Path) -> str:
    """A path relative to the repository."""
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a module."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The number of lines from `def` to the end, without decorators."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def dotted(node: ast.expr) -> str:
    """The dotted name `a.b.c` of an attribute chain; a base that is not a name is left out."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}".lstrip(".")
    return node.id if isinstance(node, ast.Name) else ""


def calls(path: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every call in a module."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield node.lineno, dotted(node.func)
