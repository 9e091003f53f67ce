"""Compares acknowledged jobs with their effects: none lost, none doubled, every repeated effect under one key."""

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from kontor.kernel.states import DeadReason
from tests.faults.fleet import Fleet

# Jobs fired by the deployment's own schedules have no effect that is counted here.
STATES = """
SELECT id, task, state, reason FROM (
    SELECT id, task, state, reason FROM jobs UNION ALL SELECT id, task, state, NULL FROM jobs_archive
) AS found WHERE starts_with(task, 'fault.')
"""
CRASHED = "SELECT count(DISTINCT job_id), count(*) FROM job_attempts WHERE outcome = 'crashed'"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Counts of jobs. `parked` jobs wait for an operator, by policy; `repeated` effects had the same key."""

    jobs: int
    succeeded: int
    parked: int
    crashed: int
    missing: int
    doubled: int
    repeated: int
    strange: int
    faults: tuple[str, ...]

    @property
    def good(self) -> bool:
        return not self.faults


def judge(fleet: Fleet, acknowledged: Collection[UUID]) -> Verdict:
    """Compare acknowledged jobs with the ledger and the effects. Every job must be finished."""
    rows = {row[0]: row[1:] for row in fleet.ask(STATES)}
    written = Counter(row[0] for row in fleet.ask("SELECT job_id FROM effects"))
    keys: dict[int, Counter[str]] = defaultdict(Counter)
    for line in fleet.sink.lines():
        if "effect" in line:
            keys[line["effect"]][line["key"]] += 1
    faults: list[str] = []
    missing = [job_id for job_id in acknowledged if job_id not in rows]
    faults += [f"{job_id} was acknowledged and is gone" for job_id in missing]
    parked = {job_id for job_id, (_, state, reason) in rows.items() if (state, reason) == ("dead", DeadReason.UNKNOWN)}
    for job_id, (task, state, reason) in rows.items():
        due = 0 if job_id in parked else 1
        if state != "succeeded" and job_id not in parked:
            missing.append(job_id)
            faults.append(f"{job_id} of {task} is {state} ({reason})")
        elif written[job_id] < due:
            missing.append(job_id)
            faults.append(f"{job_id} of {task} is {state} without its effect")
    doubled = [job_id for job_id, count in written.items() if count > 1 or job_id in parked or job_id not in rows]
    faults += [f"{job_id} has {written[job_id]} effects in PostgreSQL" for job_id in doubled]
    strange = [number for number, keys_seen in keys.items() if len(keys_seen) > 1]
    faults += [f"effect {number} went out under {len(keys[number])} keys" for number in strange]
    return Verdict(
        jobs=len(rows),
        succeeded=sum(state == "succeeded" for _, state, _ in rows.values()),
        parked=len(parked),
        crashed=fleet.ask(CRASHED)[0][0],
        missing=len(missing),
        doubled=len(doubled),
        repeated=sum(sum(keys_seen.values()) - 1 for keys_seen in keys.values()),
        strange=len(strange),
        faults=tuple(faults),
    )
