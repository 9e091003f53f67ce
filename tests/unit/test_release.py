import io
import tarfile
import tomllib
from pathlib import Path

import pytest

from devtools.release import ReleaseRefused, packed, require_agreement, require_same, sums
from devtools.source import ROOT

CHANGELOG = "# Changelog\n\n## Unreleased\n\n## 1.2.0 (2026-12-01)\n\n## 1.1.0\n"


def test_release_is_made_when_version_changelog_and_tag_agree() -> None:
    require_agreement("1.2.0", CHANGELOG, ["v1.2.0", "landed"], "")


def test_version_of_this_checkout_has_its_heading_and_tag_in_the_changelog() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    changelog = (ROOT / "CHANGELOG.md").read_text()
    require_agreement(version, changelog, [], "")
    assert f"\nTag `v{version}`.\n" in changelog


@pytest.mark.parametrize(
    ("version", "changelog", "tags", "changed", "said"),
    [
        ("1.3.0", CHANGELOG, [], "", "pyproject.toml says 1.3.0, the newest heading of CHANGELOG.md is 1.2.0"),
        ("1.2.0", "# Changelog\n\n## Unreleased\n", [], "", "CHANGELOG.md is none"),
        ("1.2.0", CHANGELOG, ["v1.1.0"], "", "the commit is tagged v1.1.0, its version is 1.2.0"),
        ("1.2.0", CHANGELOG, [], " M Makefile\n", "commit or remove first: Makefile"),
    ],
)
def test_release_is_refused_when_something_disagrees(
    version: str, changelog: str, tags: list[str], changed: str, said: str
) -> None:
    with pytest.raises(ReleaseRefused, match=said):
        require_agreement(version, changelog, tags, changed)


def test_release_is_refused_when_two_builds_differ() -> None:
    require_same({"a": b"1"}, {"a": b"1"})
    with pytest.raises(ReleaseRefused, match="differ: a, b"):
        require_same({"a": b"1"}, {"a": b"2", "b": b"1"})


def test_archive_depends_on_the_files_alone_when_it_is_packed_twice(tmp_path: Path) -> None:
    (tmp_path / "deploy" / "systemd").mkdir(parents=True)
    (tmp_path / "deploy" / "systemd" / "a.service").write_text("[Unit]\n")
    (tmp_path / ".env.example").write_text("PORT=8000\n")
    first = packed(tmp_path, "kontor-1.2.0-deploy", 1_700_000_000)
    (tmp_path / "deploy" / "systemd" / "a.service").chmod(0o600)
    assert packed(tmp_path, "kontor-1.2.0-deploy", 1_700_000_000) == first
    with tarfile.open(fileobj=io.BytesIO(first)) as archive:
        assert archive.getnames() == ["kontor-1.2.0-deploy/.env.example", "kontor-1.2.0-deploy/systemd/a.service"]


def test_checksums_are_those_that_sha256sum_checks() -> None:
    assert sums({"b": b"", "a": b"x"}).splitlines() == [
        "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881  a",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  b",
    ]
