"""Who imports what: uses of top-level names, the graph of module-level imports, and its cycles."""

import ast
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from devtools.source import dotted, module_name, nodes, product, tree

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


Bindings = Mapping[str, frozenset[str]]
"""The imports of a module: the dotted names of each local name, which functions may bind differently."""


@cache
def bindings(path: Path) -> Bindings:
    """Return the imports of a module, those inside functions included."""
    names: dict[str, set[str]] = defaultdict(set)
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                names[alias.asname or alias.name].add(f"{node.module}.{alias.name}")
        elif isinstance(node, ast.Import):
            for alias in node.names:
                root = alias.name.partition(".")[0]
                names[alias.asname or root].add(alias.name if alias.asname else root)
    return {local: frozenset(origins) for local, origins in names.items()}


@cache
def reexports() -> Mapping[str, frozenset[str]]:
    """Return the names that package `__init__` modules re-export, with their origins."""
    packages = (path for path in product() if path.name == "__init__.py")
    return {f"{module_name(path)}.{local}": origins for path in packages for local, origins in bindings(path).items()}


def uses(path: Path) -> Iterator[str]:
    """Yield the dotted names of other modules that a module uses, re-exports resolved."""
    local = bindings(path)
    for node in nodes(path):
        if isinstance(node, ast.Name | ast.Attribute):
            first, _, rest = dotted(node).partition(".")
            for origin in local.get(first, ()):
                used = f"{origin}.{rest}".rstrip(".")
                yield from reexports().get(used, (used,))


def own_uses(path: Path) -> Mapping[str, list[int]]:
    """Return the lines on which a module reads each plain name, quoted annotations included."""
    lines: dict[str, list[int]] = defaultdict(list)
    for node in nodes(path):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            lines[node.id].append(node.lineno)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            lines[node.value].append(node.lineno)
    return lines


def is_registered(node: Definition) -> bool:
    """Whether a decorator such as `@router.get(...)` registers the function, so that no one calls it by name."""
    return any(isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute) for mark in node.decorator_list)


def unused() -> tuple[str, ...]:
    """Return the top-level functions and classes of the product that no module of the product uses."""
    used = {name for path in product() for name in uses(path)}
    result = []
    for path in product():
        local = own_uses(path)
        for node in tree(path).body:
            if not isinstance(node, Definition) or is_registered(node):
                continue
            inside = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            if f"{module_name(path)}.{node.name}" in used:
                continue
            if all(line in inside for line in local.get(node.name, ())):
                result.append(f"{module_name(path)}.{node.name}")
    return tuple(result)


@cache
def product_modules() -> frozenset[str]:
    """Return the dotted names of the product's modules."""
    return frozenset(map(module_name, product()))


def module_imports(path: Path) -> set[str]:
    """Return the modules of the product that importing a module imports: not those in functions or TYPE_CHECKING."""
    targets: set[str] = set()
    for node in executed(tree(path).body):
        if isinstance(node, ast.ImportFrom) and node.module:
            submodules = {f"{node.module}.{alias.name}" for alias in node.names} & product_modules()
            targets |= submodules or {node.module}
        elif isinstance(node, ast.Import):
            targets |= {alias.name for alias in node.names}
    return targets & product_modules() - {module_name(path)}


def executed(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run on import, at any depth outside functions and `if TYPE_CHECKING`."""
    for node in body:
        yield node
        if isinstance(node, ast.If) and dotted(node.test).endswith("TYPE_CHECKING"):
            yield from executed(node.orelse)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for block in ("body", "orelse", "finalbody"):
                yield from executed(getattr(node, block, ()))


def cycles(graph: Mapping[str, Collection[str]]) -> list[list[str]]:
    """Return the strongly connected components with more than one member (Tarjan), each sorted."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    result: list[list[str]] = []

    def visit(node: str) -> None:
        order[node] = lowest[node] = len(order)
        stack.append(node)
        for target in graph.get(node, ()):
            if target not in order:
                visit(target)
                lowest[node] = min(lowest[node], lowest[target])
            elif target in stack:
                lowest[node] = min(lowest[node], order[target])
        if lowest[node] == order[node]:
            component = stack[stack.index(node) :]
            del stack[-len(component) :]
            if len(component) > 1:
                result.append(sorted(component))

    for start in graph:
        if start not in order:
            visit(start)
    return result
