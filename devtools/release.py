"""`python -m devtools.release`: the files of a release from the commit that is checked out, built twice and compared.

Writes dist/release-VERSION: the wheel, the folder `deploy` as an archive, and SHA256SUMS. Exit 1 with one line when
version, CHANGELOG, tag and wheel disagree, when something is not committed, or when the two builds differ.
"""

import gzip
import hashlib
import io
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path

from devtools.source import ROOT

VERSION = re.compile(r"^Version: (\S+)$", re.MULTILINE)
HEADING = re.compile(r"^## \[?(\d+\.\d+\.\d+)\]?(?: .*)?$", re.MULTILINE)


class ReleaseRefused(Exception):
    """The release cannot be made; the message is one line that says why."""


def git(*arguments: str) -> bytes:
    """Return what git prints."""
    return subprocess.run(["git", "-C", str(ROOT), *arguments], check=True, capture_output=True).stdout  # noqa: S607 -- git of the path


def require_agreement(version: str, changelog: str, tags: list[str], changed: str) -> None:
    """Check that version, newest heading of the CHANGELOG and tag agree. Raises ReleaseRefused."""
    if changed:
        raise ReleaseRefused(f"commit or remove first: {changed.rsplit(maxsplit=1)[-1]}")
    headings = HEADING.findall(changelog)
    if not headings or headings[0] != version:
        newest = headings[0] if headings else "none"
        raise ReleaseRefused(f"pyproject.toml says {version}, the newest heading of CHANGELOG.md is {newest}")
    wrong = [tag for tag in tags if re.fullmatch(r"v\d.*", tag) and tag != f"v{version}"]
    if wrong:
        raise ReleaseRefused(f"the commit is tagged {wrong[0]}, its version is {version}")


def build(folder: Path, tree: bytes, commit: str, seconds: str) -> dict[str, bytes]:
    """Build in a folder of its own; return the files of the release by name."""
    with tarfile.open(fileobj=io.BytesIO(tree)) as archive:
        archive.extractall(folder, filter="data")
    (folder / "kontor" / "commit.txt").write_text(commit)
    environ = {**os.environ, "SOURCE_DATE_EPOCH": seconds}
    argv = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", "built"]
    subprocess.run(argv, cwd=folder, env=environ, check=True, capture_output=True)
    (wheel,) = (folder / "built").glob("*.whl")
    version = version_of(wheel)
    deployed = packed(folder, f"kontor-{version}-deploy", int(seconds))
    return {wheel.name: wheel.read_bytes(), f"kontor-{version}-deploy.tar.gz": deployed}


def version_of(wheel: Path) -> str:
    """Return the version in a wheel's metadata."""
    with zipfile.ZipFile(wheel) as files:
        (name,) = (name for name in files.namelist() if name.endswith(".dist-info/METADATA"))
        return str(VERSION.findall(files.read(name).decode())[0])


def packed(folder: Path, name: str, seconds: int) -> bytes:
    """Return the folder `deploy` and the example of a .env as a compressed archive whose bytes depend on them alone."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=seconds) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as tar,
    ):
        for path in [folder / ".env.example", *sorted((folder / "deploy").rglob("*"))]:
            if path.is_file():
                entry = tarfile.TarInfo(f"{name}/{path.relative_to(folder).as_posix().removeprefix('deploy/')}")
                entry.size, entry.mtime, entry.mode = path.stat().st_size, seconds, 0o644
                tar.addfile(entry, io.BytesIO(path.read_bytes()))
    return buffer.getvalue()


def require_same(first: Mapping[str, bytes], second: Mapping[str, bytes]) -> None:
    """Check that two builds are the same to the byte. Raises ReleaseRefused."""
    differing = [name for name in first.keys() | second.keys() if first.get(name) != second.get(name)]
    if differing:
        raise ReleaseRefused(f"two builds of one commit differ: {', '.join(sorted(differing))}")


def sums(files: Mapping[str, bytes]) -> str:
    """Return the lines of SHA256SUMS."""
    return "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))


def release(version: str) -> Path:
    """Build twice, compare and write the files. Raises ReleaseRefused."""
    commit = git("rev-parse", "--short=12", "HEAD").decode()
    seconds = git("log", "-1", "--format=%ct").decode().strip()
    tree = git("archive", "--format=tar", "HEAD")
    builds = []
    for umask in (0o022, 0o077):
        before = os.umask(umask)
        try:
            with tempfile.TemporaryDirectory() as folder:
                builds.append(build(Path(folder) / f"tree-{umask}", tree, commit, seconds))
        finally:
            os.umask(before)
    require_same(*builds)
    target = ROOT / "dist" / f"release-{version}"
    target.mkdir(parents=True, exist_ok=True)
    for name, content in builds[0].items():
        (target / name).write_bytes(content)
    (target / "SHA256SUMS").write_text(sums(builds[0]))
    return target


def main() -> int:
    """Make the release of pyproject.toml's version; return the exit status."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    tags = git("tag", "--points-at", "HEAD").decode().split()
    try:
        changed = git("status", "--porcelain").decode()
        require_agreement(version, (ROOT / "CHANGELOG.md").read_text(), tags, changed)
        target = release(version)
    except ReleaseRefused as error:
        sys.stderr.write(f"release: {error}\n")
        return 1
    sys.stdout.write(f"{target.relative_to(ROOT)}, built twice, the same to the byte:\n")
    sys.stdout.write((target / "SHA256SUMS").read_text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
