"""Runs the demo's stories with a progress bar, prints each step and collects the results."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from threading import Event
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from devtools.demo.deployment import CALENDAR, DemoFailed, check_equal
from devtools.demo.stories import booking, cloud, hosting, learning, telephony
from devtools.demo.story import Steps, Story, StoryRun
from devtools.demo.visitors import Visitors
from devtools.demo.world import World, running_world

SHOWN_IDS = 2


@dataclass(frozen=True, slots=True)
class StoryResult:
    """The result of a story. `tries`: calls to instances and endpoints; `began` and `ended`: test clock, UTC."""

    programme: str
    story: str
    happened: str
    steps: list[str]
    tries: int
    mails: dict[str, int]
    webhook_ids: list[str]
    began: str
    ended: str
    seconds: float


Deliveries = dict[str, list[Any]]
"""Webhook deliveries to the endpoint that receives all events, by account."""


def collect_results(world: World, runs: list[StoryRun]) -> list[StoryResult]:
    """Collect the results; check that every webhook and every mail was delivered. Raises DemoFailed."""
    world.move_to(world.now)
    by_account: Deliveries = {}
    rows = world.list_all(f"/v1/webhook-endpoints/{world.endpoint}/deliveries")
    deliveries = {row["event_seq"]: row for row in rows}
    for event in world.list_all("/v1/events"):
        delivery = deliveries.get(event["seq"])
        if delivery is not None:
            check_equal(f"the delivery of {event['type']}", delivery["state"], "delivered")
            by_account.setdefault(event["account_id"] or event["reseller_id"], []).append(delivery)
    offers, mails = Counter[str](), defaultdict[str, Counter[str]](Counter)
    for offer in world.list_all("/v1/offers"):
        offers[offer["account_id"]] += offer["delivery"]["attempts"]
    for mail in world.list_all("/v1/mails"):
        if _is_sent(world, mail):
            mails[mail["account_id"]][mail["template"]] += 1
    return [_story_result(run, by_account, offers, mails) for run in sorted(runs, key=lambda run: run.number)]


def _story_result(
    run: StoryRun, by_account: Deliveries, offers: Counter[str], mails: Mapping[str, Counter[str]]
) -> StoryResult:
    deliveries = [delivery for account in run.accounts for delivery in by_account.get(account.id, ())]
    calls = [call["webhook-id"] for instance in run.instances for call in instance.received.calls]
    tries = sum(offers[account.id] for account in run.accounts) + sum(delivery["tries"] for delivery in deliveries)
    mail_counts = sum((mails[account.id] for account in run.accounts), Counter[str]())
    return StoryResult(
        run.story.programme,
        run.story.name,
        run.happened,
        run.steps,
        tries + sum(not webhook_id.endswith("_delivered") for webhook_id in calls),
        dict(sorted(mail_counts.items())),
        list(dict.fromkeys([*calls, *(delivery["webhook_id"] for delivery in deliveries)])),
        f"{run.days[0]:%Y-%m-%dT%H:%M:%SZ}",
        f"{run.days[-1]:%Y-%m-%dT%H:%M:%SZ}",
        round(run.seconds, 2),
    )


def _is_sent(world: World, mail: Any) -> bool:
    """Whether a mail was sent. Raises DemoFailed if it failed or a recipient did not receive it."""
    if mail["state"] not in ("sent", "skipped"):
        raise DemoFailed(f"the mail {mail['template']} is {mail['state']}: {mail['reason']}")
    for recipient in mail["recipients"] if mail["state"] == "sent" else ():
        if world.mailbox.find(mail["message_id"], recipient["address"]) is None:
            raise DemoFailed(f"the mail {mail['template']} did not arrive at {recipient['address']}")
    return bool(mail["state"] == "sent")


def table(rows: list[StoryResult]) -> Table:
    """Return the table of the results."""
    shown = Table(title="Results", title_justify="left", show_lines=True)
    for name in ("story", "result", "calls", "mails", "webhook ids", "days", "seconds"):
        shown.add_column(name, no_wrap=name in {"mails", "webhook ids", "days"})
    for row in rows:
        mails = "\n".join(f"{count} {name}" for name, count in row.mails.items() if count)
        shown.add_row(
            f"{row.programme}\n{row.story}", row.happened, str(row.tries), mails, _ids(row.webhook_ids), _days(row),
            f"{row.seconds:.1f}",
        )  # fmt: skip
    return shown


def _ids(ids: list[str]) -> str:
    more = len(ids) - SHOWN_IDS
    return "\n".join([*ids[:SHOWN_IDS], *([f"and {more} more"] if more > 0 else [])])


def _days(row: StoryResult) -> str:
    return "\n".join(dict.fromkeys((row.began[:10], row.ended[:10])))


def document(rows: list[StoryResult], seconds: float) -> dict[str, Any]:
    """Return the results as a JSON document."""
    return {"seconds": round(seconds, 1), "stories": [asdict(row) for row in rows]}


WIDTH = 180
STORIES: Final = (
    *learning.FAILURE_STORIES,
    *learning.LEARNING_STORIES,
    *booking.BOOKING_STORIES,
    *booking.NAME_STORIES,
    *hosting.STORIES,
    *cloud.STORIES,
    *telephony.TELEPHONY_STORIES,
    *telephony.FINAL_STORIES,
)
"""All stories. Those that kill workers or pause queues come first, the one that checks all programmes last."""


def run_demo(console: Console, stories: Sequence[Story] = STORIES, *, stay: bool = False) -> list[StoryResult]:
    """Run all stories and stop everything at the end. Raises DemoFailed if a check of a story fails.

    `stay`: print the results and go on until Ctrl-C, so that the portal can be tried.
    """
    columns = (TextColumn("{task.description:36}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("starting a deployment", total=2 + len(CALENDAR) + len(stories))
        runs: list[StoryRun] = []
        with running_world() as world:
            progress.update(bar, advance=1)
            visitors = Visitors.create(world)
            visitors.invite(world, progress.console)
            for event in play_stories(world, stories, lambda step: progress.console.print(step, highlight=False)):
                if isinstance(event, StoryRun):
                    runs.append(event)
                    progress.update(bar, advance=1)
                else:
                    progress.update(
                        bar, advance=int(event in CALENDAR and event != world.now), description=f"{event:%d %B %H:%M}"
                    )
            progress.update(bar, description="collecting results")
            results = collect_results(world, runs)
            progress.update(bar, advance=1, description="finished")
            if stay:
                progress.stop()
                wait_for_visitors(world, visitors, results, console)
    return results


def wait_for_visitors(world: World, visitors: Visitors, results: list[StoryResult], console: Console) -> None:
    """Print the results and links of now, and wait for Ctrl-C."""
    print_results(console, results)
    visitors.invite(world, console)
    console.print("Everything goes on until Ctrl-C.")
    with suppress(KeyboardInterrupt):
        Event().wait()


def print_results(console: Console, results: list[StoryResult]) -> None:
    """Print the table of the results."""
    wide = console if console.width >= WIDTH else Console(width=WIDTH)
    wide.print(table(results))


def print_demo(console: Console, *, stay: bool = False) -> None:
    """Run the demo and print the results; `stay` as for `run_demo`."""
    began = time.monotonic()
    results = run_demo(console, stay=stay)
    if not stay:
        print_results(console, results)
    console.print(f"{len(results)} stories in {time.monotonic() - began:.1f} s. All processes have stopped.")


def demo_document(console: Console) -> dict[str, Any]:
    """Run the demo and return the results as a JSON document."""
    began = time.monotonic()
    results = run_demo(console)
    return document(results, time.monotonic() - began)


@dataclass(slots=True)
class PendingRun:
    """A story that waits for its next instant."""

    run: StoryRun
    steps: Steps
    at: datetime


def play_stories(
    world: World, stories: Sequence[Story], print_step: Callable[[str], None]
) -> Iterator[StoryRun | datetime]:
    """Run all stories; yield each instant before the clock moves to it, and each finished story.

    Raises DemoFailed if a check of a story fails.
    """
    runs = [StoryRun(world, story, number, print_step) for number, story in enumerate(stories, 1)]
    pending_runs = [PendingRun(run, run.story.play(world, run), world.now) for run in runs]
    while pending_runs:
        instant = min(pending.at for pending in pending_runs)
        yield instant
        world.move_to(instant)
        for pending in [pending for pending in pending_runs if pending.at <= instant]:
            if not _advance(pending):
                pending_runs.remove(pending)
                yield pending.run


def _advance(pending: PendingRun) -> bool:
    """Run a story up to its next instant; return False when it is finished."""
    run = pending.run
    run.days.append(run.world.now)
    began = time.monotonic()
    try:
        pending.at = next(pending.steps)
    except StopIteration as end:
        run.happened = end.value
        run.report(end.value)
        return False
    except DemoFailed as error:
        raise DemoFailed(f"{run.story.programme}, {run.story.name}, {run.world.now:%d %B %H:%M}: {error}") from error
    finally:
        run.seconds += time.monotonic() - began
    return True
