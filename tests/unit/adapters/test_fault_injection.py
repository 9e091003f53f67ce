import os
import signal
import subprocess
import sys

PROGRAM = """
import sys
from kontor.adapters.fault_injection import KillAt
point = KillAt(sys.argv[1])
for name in ("claim.before", "effect.after", "effect.after"):
    point(name)
    print(name, flush=True)
"""


def passed(spec: str) -> tuple[int, list[str]]:
    child = subprocess.run(
        [sys.executable, "-c", PROGRAM, spec], capture_output=True, text=True, check=False, env={**os.environ}
    )
    return child.returncode, child.stdout.split()


def test_process_dies_only_at_the_named_pass_of_a_crash_point() -> None:
    assert passed("effect.after:2") == (-signal.SIGKILL, ["claim.before", "effect.after"])
    assert passed("effect.after") == (-signal.SIGKILL, ["claim.before"])
    assert passed("effect.after:3") == (0, ["claim.before", "effect.after", "effect.after"])


def test_other_crash_points_are_passed() -> None:
    assert passed("effect.before") == (0, ["claim.before", "effect.after", "effect.after"])
