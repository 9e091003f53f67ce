"""CPU time and memory of processes, from /proc."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pid: int) -> float:
    """Return user and system time since the start of a process."""
    return sum(_times(pid)[:2]) / TICK


def family_cpu_seconds(pid: int) -> float:
    """Return user and system time of a process, its descendants and its children that have ended."""
    ticks = sum(_times(pid))
    for descendant in family(pid)[1:]:
        # One that ends between the listing and this line (an autovacuum worker) counts with its parent's next reading.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            ticks += sum(_times(descendant)[:2])
    return ticks / TICK


def _times(pid: int) -> Sequence[int]:
    """User and system ticks of a process, then those of its children that it has waited for."""
    return [int(field) for field in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]]


def resident_megabytes(pid: int) -> float:
    """Return resident memory in MB (1,000,000 bytes)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 1_000_000


def proportional_megabytes(pid: int) -> float:
    """Return resident memory in MB (1,000,000 bytes); a page shared by n processes counts for 1/n."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    kibibytes = next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kibibytes * 1_024 / 1_000_000


def title_of(pid: int) -> str:
    """Return the last word of a process's command line."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0 ").replace(b"\0", b" ").decode().split()[-1]


def family(pid: int) -> Sequence[int]:
    """Return a process and all its descendants."""
    pids = [pid]
    for parent in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for children in Path(f"/proc/{parent}/task").glob("*/children"):
                pids += [int(child) for child in children.read_text().split()]
    return pids
