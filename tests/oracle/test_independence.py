import ast
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
ALLOWED = {"yaml", "pytest"}


def imported(path: Path) -> set[str]:
    """Top-level names of the imports of a module; the oracle's own as `tests.oracle`."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "absolute imports only"
            names.add(node.module or "")
    return {"tests.oracle" if name.startswith("tests.oracle") else name.partition(".")[0] for name in names}


def test_oracle_does_not_import_the_product() -> None:
    allowed = ALLOWED | {"tests.oracle"} | sys.stdlib_module_names
    strange = {path.name: imported(path) - allowed for path in FOLDER.glob("*.py")}

    assert len(strange) > 10
    assert {name: names for name, names in strange.items() if names} == {}
