"""Measure the code base against the limits of its style guide: `make house`."""

import argparse
import ast
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Final

from devtools.source import ROOT, everything, functions, length, module_name, name, nodes, product, tree

BANNED: Final = frozenset(
    (
        *("found", "told", "given", "wanted", "known", "late", "one", "look", "deed", "door", "hand", "stage"),
        *("standing", "book", "shop", "util", "utils", "common", "commons", "helper", "helpers"),
        *("manager", "managers", "misc"),
    )
)
"""Identifiers that say nothing, wherever a name is bound."""
ANY: Final = re.compile(r"\bAny\b")
SHORT: Final = 40
LONG: Final = 300
SINCE: Final = "01d8888"
"""The commit at which the present layout began; older subjects follow no rule."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure with its limit; `places` are those that exceed it."""

    name: str
    value: float
    limit: float
    places: tuple[str, ...] = ()

    @property
    def kept(self) -> bool:
        """Whether the figure is within its limit."""
        return self.value <= self.limit

    def line(self) -> str:
        """Return the row of the printed table."""
        verdict = "ok" if self.kept else "OVER"
        return f"{self.name:<44} {self.value:>7g}  limit {self.limit:>5g}  {verdict}"


MEASURES: Final = (
    "modules",
    "median lines of a module",
    "modules over 300 lines",
    "modules under 40 lines with one importer",
    "functions, 90th percentile of lines",
    "functions, most lines",
    "uses of Any",
    "class names with two meanings",
    "identifiers that say nothing",
    "longest commit subject",
)
"""The names of all measures; where git history is absent, the last one is 0."""


def modules() -> tuple[Path, ...]:
    """Return the product's modules, `__init__.py` files that hold nothing but a docstring left out."""
    return tuple(path for path in product() if path.name != "__init__.py" or len(tree(path).body) > 1)


def lines(path: Path) -> int:
    """Return the number of lines of a module."""
    return len(path.read_text().splitlines())


def importers(paths: Iterable[Path]) -> Mapping[str, set[str]]:
    """Return, for each module, the modules that import it or a name from it."""
    paths = tuple(paths)
    members = {module_name(path) for path in paths}
    users: dict[str, set[str]] = defaultdict(set)
    for path in paths:
        for imported in imports(path):
            target = imported if imported in members else imported.rpartition(".")[0]
            if target in members and target != module_name(path):
                users[target].add(module_name(path))
    return users


def imports(path: Path) -> Iterator[str]:
    """Yield the dotted name of every import of a module, `from a import b` as `a.b`."""
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def bound_names(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and name of everything a module binds: variables, attributes, arguments, functions, classes."""
    for node in nodes(path):
        match node:
            case ast.Name(id=bound, ctx=ast.Store()):
                yield node.lineno, bound
            case ast.arg(arg=bound):
                yield node.lineno, bound
            case ast.FunctionDef(name=bound) | ast.AsyncFunctionDef(name=bound) | ast.ClassDef(name=bound):
                yield node.lineno, bound
            case ast.ExceptHandler(name=str(bound)) | ast.MatchAs(name=str(bound)) | ast.MatchStar(name=str(bound)):
                yield node.lineno, bound
            case ast.Attribute(attr=bound, ctx=ast.Store()):
                yield node.lineno, bound
            case ast.alias(asname=str(bound)):
                yield node.lineno, bound
            case _:
                continue


def short_modules() -> tuple[str, ...]:
    """Return modules under 40 lines that a single module imports; entry points have none."""
    users = importers(product())
    return tuple(
        f"{name(path)} ({lines(path)})"
        for path in modules()
        if lines(path) < SHORT and len(users[module_name(path)]) == 1
    )


def doubled_classes() -> tuple[str, ...]:
    """Return the class names that the product defines more than once at the top level of a module."""
    places: dict[str, list[str]] = defaultdict(list)
    for path in product():
        for node in tree(path).body:
            if isinstance(node, ast.ClassDef):
                places[node.name].append(name(path))
    return tuple(f"{cls}: {', '.join(where)}" for cls, where in sorted(places.items()) if len(where) > 1)


def banned_identifiers() -> tuple[str, ...]:
    """Return every binding of a name that says nothing, in the product, the tests and the benches."""
    return tuple(
        f"{name(path)}:{line} {bound}"
        for path in everything()
        for line, bound in bound_names(path)
        if bound.strip("_") in BANNED
    )


def any_uses() -> Counter[str]:
    """Return how many lines of each module of the product contain the word `Any`, comments and docstrings aside."""
    counts: Counter[str] = Counter()
    for path in product():
        texts = docstring_lines(path)
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if ANY.search(line.partition("#")[0]) and number not in texts:
                counts[name(path)] += 1
    return counts


def docstring_lines(path: Path) -> set[int]:
    """Return the lines of a module that belong to strings standing alone as statements."""
    return {
        line
        for node in nodes(path)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }


def subjects() -> tuple[str, ...]:
    """Return the subjects of the commits since the layout began; none where git does not know them."""
    command = ["git", "log", "--no-merges", "--format=%s", f"{SINCE}..HEAD"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return tuple(done.stdout.splitlines()) if done.returncode == 0 else ()


def measures() -> tuple[Measure, ...]:
    """Return every figure with its limit."""
    sizes = {name(path): lines(path) for path in modules()}
    lengths = {f"{name(path)}:{node.name}": length(node) for path in product() for node in functions(path)}
    long_modules = tuple(
        f"{name(path)} ({lines(path)})"
        for path in everything()
        if lines(path) > LONG and path.parent.name != "versions"
    )
    any_lines = any_uses()
    short, doubled, banned = short_modules(), doubled_classes(), banned_identifiers()
    titles = subjects()
    return (
        Measure("modules", len(sizes), 700),  # 325 when the tree was made; each new slice adds its own
        Measure("median lines of a module", median(sizes.values()), 150),
        Measure("modules over 300 lines", len(long_modules), 0, long_modules),
        Measure("modules under 40 lines with one importer", len(short), 0, short),
        Measure("functions, 90th percentile of lines", quantiles(lengths.values(), n=10)[-1], 25),
        Measure("functions, most lines", max(lengths.values()), 40, _over(lengths, 40)),
        Measure("uses of Any", any_lines.total(), 200, tuple(f"{path} {n}" for path, n in any_lines.most_common(20))),
        Measure("class names with two meanings", len(doubled), 0, doubled),
        Measure("identifiers that say nothing", len(banned), 0, banned),
        Measure("longest commit subject", max(map(len, titles), default=0), 72, _long(titles)),
    )


def _over(lengths: Mapping[str, int], limit: int) -> tuple[str, ...]:
    return tuple(f"{where} ({count})" for where, count in lengths.items() if count > limit)


def _long(titles: Iterable[str]) -> tuple[str, ...]:
    return tuple(title for title in titles if len(title) > 72)


def main() -> int:
    """Print the table, and with `--places` what exceeds a limit; 1 when anything does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--places", action="store_true", help="list what exceeds each limit")
    options = parser.parse_args()
    rows = measures()
    for row in rows:
        print(row.line())
        if options.places and not row.kept:
            print("".join(f"    {place}\n" for place in row.places), end="")
    return 0 if all(row.kept for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
