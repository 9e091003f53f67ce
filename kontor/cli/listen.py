"""`kontor listen`: forwards webhook events and pushes to a laptop."""

import hashlib
import json
import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from kontor.kernel.errors import Invalid, KontorError

if TYPE_CHECKING:
    from kontor.cli.forwarding import Forwarder, ListenPosition, RemoteKontor

TIMEOUT: Final = 40.0


def listen(
    forward: Annotated[str, typer.Option("--forward", metavar="URL", help="Where messages are sent.")],
    events: Annotated[
        list[str] | None,
        typer.Option("--events", help="Event types, such as service.*; repeated or by commas. Default: all."),
    ] = None,
    tasks: Annotated[
        list[str] | None,
        typer.Option("--tasks", help="Pull types whose jobs are pushed, such as vps.*; may be repeated."),
    ] = None,
    verify: Annotated[list[str] | None, typer.Option("--verify", help="Tasks that job.verify asks about.")] = None,
    url: Annotated[str, typer.Option("--url", envvar="KONTOR_URL", help="The Kontor to listen to.")] = (
        "http://localhost:8000"
    ),
    key: Annotated[
        str, typer.Option("--key", envvar="KONTOR_KEY", help="An API key: read, with --tasks also work.")
    ] = "",
    secret: Annotated[str | None, typer.Option("--secret", help="Signs the messages. Default: one made here.")] = None,
    from_start: Annotated[bool, typer.Option("--from-start", help="Begin with the first event there is.")] = False,
    state: Annotated[Path | None, typer.Option("--state", help="File that keeps the position.")] = None,
) -> None:
    """Forward webhook events, and jobs as pushes, to a URL until Ctrl-C; goes on where it was."""
    import httpx

    from kontor.adapters.clock import SystemClock
    from kontor.adapters.http import PinnedHttp, SignedCalls
    from kontor.cli.forwarding import Forwarder, RemoteKontor

    if not key:
        raise typer.BadParameter("Set KONTOR_KEY to an API key, or pass --key.")
    stopping = stopped_by_signals()
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=TIMEOUT) as http:
        remote = RemoteKontor(http, stopping, lambda line: print(line, flush=True))
        position = resumed(remote, state or state_file(url, key, forward), secret, from_start=from_start)
        print(f"Forwarding to {forward} after event {position.after}. Secret: {position.secret}", flush=True)
        sender = SignedCalls(PinnedHttp(lambda _: True, plain_http=True), SystemClock())
        to = Forwarder(remote, sender, SystemClock(), forward, position)
        run_all(loops_of(to, separated(events) or ["*"], separated(tasks), separated(verify)), stopping)


def loops_of(to: "Forwarder", events: list[str], tasks: list[str], verify: list[str]) -> list[Callable[[], None]]:
    """Return what is to be done side by side."""
    from kontor.cli.forwarding import EventForwarding
    from kontor.cli.job_forwarding import JobForwarding

    jobs = JobForwarding(to, tasks, verify, f"listen-{socket.gethostname()}-{os.getpid()}")
    return [EventForwarding(to, events).run, *([jobs.run] if tasks else [])]


def stopped_by_signals() -> threading.Event:
    """Return an event that SIGTERM and Ctrl-C set."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    return stopping


def separated(values: list[str] | None) -> list[str]:
    """Return the values of an option that may be repeated, or separated by commas."""
    return [part for value in values or () for part in value.split(",") if part]


def run_all(loops: list[Callable[[], None]], stopping: threading.Event) -> None:
    """Run loops side by side until the command stops. Raises the KontorError that ended one of them."""
    errors: list[KontorError] = []

    def guarded(loop: Callable[[], None]) -> None:
        try:
            loop()
        except KontorError as error:
            errors.append(error)
        finally:
            stopping.set()

    threads = [threading.Thread(target=guarded, args=(loop,)) for loop in loops]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def state_file(url: str, key: str, forward: str) -> Path:
    """Return the file of the position of this Kontor, key and receiver."""
    folder = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    digest = hashlib.sha256(f"{url}\n{key}\n{forward}".encode()).hexdigest()
    return folder / "kontor" / f"listen-{digest[:16]}.json"


def resumed(remote: "RemoteKontor", path: Path, secret: str | None, *, from_start: bool) -> "ListenPosition":
    """Return where to go on: after the last event that was answered, at first after the newest."""
    from kontor.cli.forwarding import ListenPosition
    from kontor.webhooks.signing import validate_or_generate

    try:
        kept = json.loads(path.read_text())
        after, kept_secret = int(kept["after"]), str(kept["secret"])
    except FileNotFoundError:
        after, kept_secret = 0 if from_start else remote.newest_event(), None
    except (KeyError, TypeError, ValueError):
        raise Invalid("invalid_state", f"{path} is damaged: delete it to begin with the newest event.") from None
    position = ListenPosition(path, after, validate_or_generate(secret or kept_secret))
    position.save()
    return position
