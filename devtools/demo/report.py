"""What the stories came to: gathered from the API and the receivers, shown as a table or as JSON."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from devtools.demo.deployment import DemoFailed, must_be
from devtools.demo.story import Act
from devtools.demo.world import World

SHOWN_IDS = 2


@dataclass(frozen=True, slots=True)
class Ending:
    """What a story came to. `tries` are calls begun to instances and endpoints; days are programme time, UTC."""

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


Told = dict[str, list[Any]]
"""Deliveries to the endpoint that hears everything, by the account they are about."""


def endings(world: World, acts: list[Act]) -> list[Ending]:
    """Gather, and check what holds for all of them. Raises DemoFailed."""
    world.move_to(world.now)
    told: Told = {}
    deliveries = {one["event_seq"]: one for one in world.every(f"/v1/webhook-endpoints/{world.endpoint}/deliveries")}
    for event in world.every("/v1/events"):
        delivery = deliveries.get(event["seq"])
        if delivery is not None:
            must_be(f"the delivery of {event['type']}", delivery["state"], "delivered")
            told.setdefault(event["account_id"] or event["reseller_id"], []).append(delivery)
    offers, mails = Counter[str](), defaultdict[str, Counter[str]](Counter)
    for offer in world.every("/v1/offers"):
        offers[offer["account_id"]] += offer["delivery"]["attempts"]
    for mail in world.every("/v1/mails"):
        if _arrived(world, mail):
            mails[mail["account_id"]][mail["template"]] += 1
    return [_ending(act, told, offers, mails) for act in sorted(acts, key=lambda one: one.number)]


def _ending(act: Act, told: Told, offers: Counter[str], mails: Mapping[str, Counter[str]]) -> Ending:
    heard = [one for party in act.parties for one in told.get(party.id, ())]
    calls = [call["webhook-id"] for instance in act.instances for call in instance.book.calls]
    tries = sum(offers[party.id] for party in act.parties) + sum(one["tries"] for one in heard)
    counted = sum((mails[party.id] for party in act.parties), Counter[str]())
    return Ending(
        act.story.programme,
        act.story.name,
        act.happened,
        act.steps,
        tries + sum(not one.endswith("_delivered") for one in calls),
        dict(sorted(counted.items())),
        list(dict.fromkeys([*calls, *(one["webhook_id"] for one in heard)])),
        f"{act.days[0]:%Y-%m-%dT%H:%M:%SZ}",
        f"{act.days[-1]:%Y-%m-%dT%H:%M:%SZ}",
        round(act.seconds, 2),
    )


def _arrived(world: World, mail: Any) -> bool:
    """Whether a mail was sent; then it lies at the receiver, for each of its addresses. Raises DemoFailed."""
    if mail["state"] not in ("sent", "skipped"):
        raise DemoFailed(f"the mail {mail['template']} is {mail['state']}: {mail['reason']}")
    for recipient in mail["recipients"] if mail["state"] == "sent" else ():
        if world.mailbox.find(mail["message_id"], recipient["address"]) is None:
            raise DemoFailed(f"the mail {mail['template']} never arrived at {recipient['address']}")
    return bool(mail["state"] == "sent")


def table(rows: list[Ending]) -> Table:
    """What people read at the end."""
    made = Table(title="What happened", title_justify="left", show_lines=True)
    for name in ("story", "what happened", "tries", "mails", "webhook ids", "from - to", "s"):
        made.add_column(name, no_wrap=name in {"mails", "webhook ids", "from - to"})
    for row in rows:
        mails = "\n".join(f"{count} {name}" for name, count in row.mails.items() if count)
        made.add_row(
            f"{row.programme}\n{row.story}", row.happened, str(row.tries), mails, _ids(row.webhook_ids), _days(row),
            f"{row.seconds:.1f}",
        )  # fmt: skip
    return made


def _ids(ids: list[str]) -> str:
    more = len(ids) - SHOWN_IDS
    return "\n".join([*ids[:SHOWN_IDS], *([f"and {more} more"] if more > 0 else [])])


def _days(row: Ending) -> str:
    return "\n".join(dict.fromkeys((row.began[:10], row.ended[:10])))


def document(rows: list[Ending], seconds: float) -> dict[str, Any]:
    """The same for programs."""
    return {"seconds": round(seconds, 1), "stories": [asdict(row) for row in rows]}
