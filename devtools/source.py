"""The code base as data: which files are ours, and their syntax trees."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("devtools", "kontor", "models", "tasks", "workers")
MODULES = ("scheduler.py",)


@cache
def product() -> tuple[Path, ...]:
    """Return every module of the product itself."""
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return tuple(sorted([*paths, *(ROOT / file for file in MODULES)]))


@cache
def everything() -> tuple[Path, ...]:
    """Return every module, tests and benches too."""
    more = [path for folder in ("tests", "bench", "migrations") for path in (ROOT / folder).rglob("*.py")]
    return tuple(sorted([*product(), *more]))


@cache
def tree(path: Path) -> ast.Module:
    """Return a module's syntax tree."""
    return ast.parse(path.read_text(), filename=str(path))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Return every node of a module's syntax tree; laws that read all modules share the walk."""
    return tuple(ast.walk(tree(path)))


@cache
def name(path: Path) -> str:
    """Return a path as people write it, relative to the root."""
    return path.relative_to(ROOT).as_posix()


@cache
def module_name(path: Path) -> str:
    """Return the dotted name a module is imported by."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function and method of a module."""
    for node in nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines from `def` to the last, decorators aside."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def dotted(node: ast.expr) -> str:
    """Return `a.b.c` for an attribute chain; a root that is no plain name is left out."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}".lstrip(".")
    return node.id if isinstance(node, ast.Name) else ""


def calls(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and dotted name of every call in a module."""
    for node in nodes(path):
        if isinstance(node, ast.Call):
            yield node.lineno, dotted(node.func)
