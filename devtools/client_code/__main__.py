"""Write the generated files of the client libraries: `python -m devtools.client_code`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from devtools.client_code import compiled, python, typescript
from devtools.client_code.document import load
from devtools.source import ROOT

PYTHON: Final = ROOT / "clients" / "python" / "src" / "kontor_client"
TYPESCRIPT: Final = ROOT / "clients" / "typescript" / "src"
COMPILED: Final = ROOT / "clients" / "typescript" / "lib"


def generated() -> Mapping[Path, str]:
    """Return the text of every generated file."""
    document = load()
    return {
        PYTHON / "resources.py": python.calls_source(document),
        PYTHON / "types.py": python.types_source(document),
        TYPESCRIPT / "resources.ts": typescript.calls_source(document),
        TYPESCRIPT / "types.ts": typescript.types_source(document),
        COMPILED / "resources.js": compiled.calls_script(document),
        COMPILED / "resources.d.ts": compiled.calls_declared(document),
        COMPILED / "types.js": compiled.types_script(),
        COMPILED / "types.d.ts": compiled.types_declared(document),
    }


if __name__ == "__main__":
    for path, text in generated().items():
        path.write_text(text)
