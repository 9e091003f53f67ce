"""The oracle itself: told what was done, it says what must be so (programme.md, nothing else)."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from tests.oracle import actions
from tests.oracle.days import days_from, local_date, month_around, wall_instant
from tests.oracle.fees import Charge, Running
from tests.oracle.people import Memory, Person, Written
from tests.oracle.rules import Rules
from tests.oracle.turnover import percent_of
from tests.oracle.usage import QuotaMail, higher_than_all, reached


class Oracle:
    """Hears the journal in order; `advance` says what time it is."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.memory = Memory()
        self.now = datetime(1, 1, 1, tzinfo=UTC)
        self.stopped: datetime | None = None
        self.running_since: datetime | None = None
        self._charged_until: date | None = None

    def today(self) -> date:
        """The programme's day."""
        return local_date(self.now, self.rules.zone)

    def hear(self, entry: Written) -> None:
        """Time passes, then the entry happens."""
        self.advance(entry.at)
        if entry.action == "stop":
            self.stopped = entry.at
        elif entry.action == "go":
            self.stopped, self.running_since = None, entry.at
            self._catch_up()
        else:
            actions.ACTIONS[entry.action](self, entry)

    def advance(self, until: datetime) -> None:
        """Let time pass: each local day begins, each trial ends, one by one in order."""
        if self.running_since is None:
            self.running_since = until
        for instant in self._instants(until):
            self.now = instant
            if self.stopped is None:
                self._catch_up()
        self.now = until
        if self.stopped is None:
            self._catch_up()

    def _instants(self, until: datetime) -> list[datetime]:
        """When something happens by itself after now and up to `until`."""
        if self._charged_until is None:
            return []
        days = days_from(self.today() + timedelta(days=1), local_date(until, self.rules.zone))
        found = [wall_instant(day, time(0), self.rules.zone) for day in days]
        ends = [person.trial.ends for person in self.memory.trying.values() if person.trial is not None]
        found.extend(end for end in ends if self.now < end <= until)
        return sorted(found)

    def _catch_up(self) -> None:
        """What the machine does with everything that is due."""
        self._fees_of_each_day()
        for person in list(self.memory.trying.values()):
            if person.trial is not None and person.trial.state(self.now) != "running":
                del self.memory.trying[person.label]
                if person.deleted is None:
                    self.judge(person)

    def _fees_of_each_day(self) -> None:
        today = self.today()
        first = self._charged_until + timedelta(days=1) if self._charged_until else today
        for day in days_from(first, today):
            for person in self.memory.people.values():
                self._fees(person, day)
        self._charged_until = today

    def _fees(self, person: Person, day: date) -> None:
        """What begins a period on that day is charged, dated with its own period."""
        limits = self.limits(person, day - timedelta(days=1))
        plan = person.plans.on(day)
        for running in [*([plan] if plan else []), *person.products.values()]:
            if running.begins_a_period(day):
                self.charge(person, running, day)
        for code in [code for code, running in person.products.items() if running.is_over(day)]:
            del person.products[code]
        if self.limits(person, day) != limits and person.deleted is None:
            self.judge(person)

    def charge(self, person: Person, running: Running, day: date) -> None:
        """One charge for a period that begins, at the discount of whoever pays."""
        assert running.period(day)[0] == day
        payer = self.memory.people[person.payer]
        percent, fee = Decimal(0), self.fee(running)
        if payer.kind == "reseller":
            family = self.rules.products[running.code].family if running.kind == "product" else None
            percent = percent_of(self.rules, payer.paid, self.today(), family)
        total = self.rules.rounded(fee * (100 - percent) / 100)
        start, end = running.period(day)
        made = Charge(person.label, running.kind, running.code, start, end, fee, fee - total)
        if made in self.memory.payers:
            return
        self.memory.payers[made] = payer.label

    def fee(self, running: Running) -> Decimal:
        """What the file says it costs a month."""
        if running.kind == "plan":
            return self.rules.prices[running.code] or Decimal(0)
        return self.rules.products[running.code].fee or Decimal(0)

    def limits(self, person: Person, day: date) -> dict[str, int | None]:
        """What the plan allows on a day; nothing is limited during a trial."""
        if person.trial is not None and person.trial.state(self.now) == "running":
            return dict.fromkeys(self.rules.metrics())
        plan = person.plans.current
        code = self.rules.free if plan is None or plan.is_over(day) else plan.code
        return {metric: self.rules.limits[code].get(metric) for metric in self.rules.metrics()}

    def period(self, person: Person) -> tuple[date, date]:
        """What usage is counted in."""
        plan = person.plans.on(self.today())
        if self.rules.paid_periods and plan is not None:
            return plan.period(self.today())
        return month_around(self.today())

    def used(self, person: Person, metric: str) -> int:
        """What counts now."""
        meter = person.meters.get(metric)
        return meter.used(self.period(person), self.rules.zone) if meter else 0

    def judge(self, person: Person) -> None:
        """A report or a changed limit: the highest threshold is mailed, once for ever."""
        for metric, limit in self.limits(person, self.today()).items():
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
