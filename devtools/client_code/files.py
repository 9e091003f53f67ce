"""Which files of the client libraries are generated."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from devtools.client_code import python, typescript
from devtools.client_code.document import load
from devtools.source import ROOT

PYTHON: Final = ROOT / "clients" / "python" / "src" / "kontor_client"
TYPESCRIPT: Final = ROOT / "clients" / "typescript" / "src"


def generated() -> Mapping[Path, str]:
    """Return the text of every generated file."""
    document = load()
    return {
        PYTHON / "types.py": python.types_source(document),
        PYTHON / "resources.py": python.calls_source(document),
        TYPESCRIPT / "types.ts": typescript.types_source(document),
        TYPESCRIPT / "resources.ts": typescript.calls_source(document),
    }
