"""Start a server: leave uid 0, request to be killed with the launcher, exec. Run as a script, never imported.

Usage: launch.py PPID MODE SIGNAL DIRECTORY PROGRAM ARGUMENT…
MODE is `direct`, `namespace`, `unusable` (for tests) or a numeric uid. Exit status 97: this mode cannot be used here.
"""

import ctypes
import os
import signal
import struct
import sys

UNUSABLE = 97
INSIDE_UID = 1000
CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522

libc = ctypes.CDLL(None, use_errno=True)
libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]


def write(path: str, text: str) -> None:
    """Write a file in /proc."""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def enter_namespace() -> None:
    """Enter a user namespace as uid 1000, mapped to the current uid outside."""
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWUSER) != 0:
        sys.exit(UNUSABLE)
    try:
        write("/proc/self/setgroups", "deny")
        write("/proc/self/uid_map", f"{INSIDE_UID} {uid} 1")
        write("/proc/self/gid_map", f"{INSIDE_UID} {gid} 1")
    except OSError:
        sys.exit(UNUSABLE)


def drop_to(uid: int) -> None:
    """Switch to `uid`; keep only the capability to enter directories of mode 0700."""
    try:
        os.setgroups([])
        os.setgid(uid)
        libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
        os.setuid(uid)
    except OSError:
        sys.exit(UNUSABLE)
    mask = 1 << CAP_DAC_OVERRIDE
    header = struct.pack("Ii", CAPABILITY_VERSION_3, 0)
    libc.capset(header, struct.pack("6I", mask, mask, mask, 0, 0, 0))
    libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


def reachable(*paths: str) -> bool:
    """Whether all paths can be opened with the current rights; access(2) would ignore a kept capability."""
    try:
        for path in paths:
            os.close(os.open(path, os.O_RDONLY))
    except OSError:
        return False
    return True


def main(arguments: list[str]) -> None:
    """Switch the user, check access, exec. The death signal is set last: a change of credentials clears it."""
    parent, mode, death_signal, directory, program = arguments[:5]
    if mode == "unusable":
        sys.exit(UNUSABLE)
    if mode == "namespace":
        enter_namespace()
    elif mode != "direct":
        drop_to(int(mode))
    if not reachable(program, directory):
        sys.exit(UNUSABLE)
    libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
    if os.getppid() != int(parent):
        sys.exit(1)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.execv(program, arguments[4:])


if __name__ == "__main__":
    main(sys.argv[1:])
