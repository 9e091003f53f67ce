"""The documentation as a site; `make docs` installs what builds it."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from devtools.source import ROOT

MKDOCS = ROOT / ".docs-tools" / "bin" / "mkdocs"
LOADED = re.compile(r"""<(?:script|link|img|iframe)[^>]+(?:src|href)="(https?:[^"]+)""")


@pytest.mark.slow
def test_site_builds_without_a_warning_and_loads_nothing_from_outside(tmp_path: Path) -> None:
    if not MKDOCS.exists():
        pytest.skip("mkdocs-material is missing: run `make docs`")
    argv = [str(MKDOCS), "build", "--strict", "--site-dir", str(tmp_path / "site")]
    environ = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(argv, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 80
    assert {url for page in pages for url in LOADED.findall(page.read_text())} == set()
    assert (tmp_path / "site" / "search" / "search_index.js").stat().st_size > 100_000
