"""The oracle: fed with the actions, it derives the required state (from programme.md only)."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from tests.oracle import actions, recomputing, service_terms, services
from tests.oracle.account_book import Line
from tests.oracle.days import days_from, local_date, month_around, wall_instant
from tests.oracle.fees import Charge, Running
from tests.oracle.memory import JournalEntry, Memory, Person
from tests.oracle.rules import Rules
from tests.oracle.turnover import percent_of
from tests.oracle.usage import QuotaMail, higher_than_all, reached
from tests.oracle.versions import Versions


class Oracle:
    """Reads the journal in order; `advance` sets the time."""

    def __init__(self, rules: Rules) -> None:
        self.versions = Versions(rules)
        self.memory = Memory()
        self.now = datetime(1, 1, 1, tzinfo=UTC)
        self.stopped: datetime | None = None
        self.running_since: datetime | None = None
        self._settled: date | None = None
        self._limited = rules

    @property
    def rules(self) -> Rules:
        """The rules in force now."""
        return self.versions.at(self.now).rules

    def today(self) -> date:
        """The day in the programme's zone."""
        return local_date(self.now, self.rules.zone)

    def read(self, entry: JournalEntry) -> None:
        """Advance the time, then apply the entry."""
        self.advance(entry.at)
        if entry.action == "stop":
            self.stopped = entry.at
        elif entry.action == "go":
            self.stopped, self.running_since = None, entry.at
            recomputing.go_on(self)
            services.start_again(self)
            service_terms.settle(self)
            self._catch_up()
        else:
            actions.ACTIONS[entry.action](self, entry)
            service_terms.settle(self)

    def advance(self, until: datetime) -> None:
        """Advance the time: each local day begins, each trial ends, one by one in order."""
        for instant in [*self._instants(until), until]:
            self.now = instant
            if self.stopped is None:
                self._catch_up()

    def _instants(self, until: datetime) -> list[datetime]:
        """The instants after now and up to `until` at which something happens by itself."""
        if not self.memory.people:
            return []
        days = days_from(self.today() + timedelta(days=1), local_date(until, self.rules.zone))
        instants = [wall_instant(day, time(0), self.rules.zone) for day in days]
        ends = [person.trial.ends for person in self.memory.trying.values() if person.trial is not None]
        begins = [version.begins for version in self.versions.listed]
        instants.extend(instant for instant in [*ends, *begins] if self.now < instant <= until)
        instants.extend(service_terms.sweeps(self, until))
        return sorted(instants)

    def _catch_up(self) -> None:
        """Do everything that is due."""
        if self._settled != self.today():
            self._settled = self.today()
            for person in self.memory.people.values():
                self.settle(person)
            recomputing.begin_day(self)
        self._compare_limits()
        for person in list(self.memory.trying.values()):
            if person.trial is not None and person.trial.state(self.now) != "running":
                del self.memory.trying[person.label]
                if person.deleted is None:
                    self.judge(person)
        service_terms.settle(self)
        service_terms.sweep(self)

    def _compare_limits(self) -> None:
        """Judge at once whom a version gives another limit."""
        before, self._limited = self._limited, self.rules
        if before.limits == self.rules.limits:
            return
        for person in self.memory.people.values():
            for metric, limit in self.limits(person).items():
                if person.deleted is None and before.limits[person.plan].get(metric) != limit:
                    self.judge_metric(person, metric, limit)

    def settle(self, person: Person) -> None:
        """Charge every period that began by today to its payer, and apply plan changes."""
        for day in days_from(person.settled + timedelta(days=1), self.today()):
            plan = person.plans.on(day, living=person.deleted is None)
            for running in [*([plan] if plan else []), *person.products.values()]:
                if running.begins_a_period(day):
                    self.charge(person, running, day)
            for code in [code for code, running in person.products.items() if running.is_over(day)]:
                del person.products[code]
        person.settled = self.today()
        self.move(person)

    def move(self, person: Person) -> None:
        """Put an account on its plan and check the new limit at once."""
        running = person.plans.current
        plan = running.code if running is not None else self.rules.free
        if plan != person.plan:
            person.plan = plan
            if person.deleted is None:
                self.judge(person)

    def charge(self, person: Person, running: Running, day: date, *, starting: bool = False) -> None:
        """Charge a period that begins, at the discount of its payer, by the version in force as its first day began.

        `starting`: it is taken now, and priced by the version of now.
        """
        assert running.period(day)[0] == day
        payer = self.memory.people[person.payer]
        version = self.versions.at(self.now if starting else wall_instant(day, time(0), self.rules.zone))
        percent, fee, rules = Decimal(0), fee_of(version.rules, running), version.rules
        if payer.kind == "reseller":
            family = rules.products[running.code].family if running.kind == "product" else None
            percent = percent_of(rules, payer.paid, day, family)
        total = rules.rounded(fee * (100 - percent) / 100)
        start, end = running.period(day)
        made = Charge(person.label, running.kind, running.code, start, end, fee, fee - total, version.number)
        self.memory.payers.append((made, payer.label))
        if person.reseller is not None:
            at = wall_instant(start, time(0), self.rules.zone)
            self.memory.lines.append(Line(payer.label, "charge", -total, at))

    def limits(self, person: Person) -> dict[str, int | None]:
        """The limits of the plan; none apply during a trial."""
        if person.trial is not None and person.trial.state(self.now) == "running":
            return dict.fromkeys(self.rules.metrics())
        return {metric: self.rules.limits[person.plan].get(metric) for metric in self.rules.metrics()}

    def period(self, person: Person) -> tuple[date, date]:
        """The period in which usage is counted."""
        plan = person.plans.seen(self.today(), living=person.deleted is None)
        if self.rules.paid_periods and plan is not None:
            return plan.period(self.today())
        return month_around(self.today())

    def used(self, person: Person, metric: str) -> int:
        """The usage that counts now."""
        meter = person.meters.get(metric)
        return meter.used(self.period(person), self.rules.zone) if meter else 0

    def judge(self, person: Person) -> None:
        """Check a report or a changed limit: the highest threshold is mailed, once."""
        for metric, limit in self.limits(person).items():
            self.judge_metric(person, metric, limit)

    def judge_metric(self, person: Person, metric: str, limit: int | None) -> None:
        """`judge` for one metric."""
        threshold = reached(self.used(person, metric), limit, self.rules.warning)
        if threshold is None or limit is None:
            return
        period = self.period(person)
        before = self.memory.heights.setdefault((person.label, metric, period, limit), [])
        if higher_than_all(threshold, before):
            before.append(threshold)
            self.memory.mails.add(QuotaMail(person.label, metric, period, limit, threshold))


def fee_of(rules: Rules, running: Running) -> Decimal:
    """The monthly fee by a programme file."""
    if running.kind == "plan":
        return rules.prices[running.code] or Decimal(0)
    return rules.products[running.code].fee or Decimal(0)
