"""Mails about the prices of a version: what changes, and which retail fees fall below them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.context import Context
from kontor.fees.catalogue import DiscountPercents
from kontor.kernel.money import Money
from kontor.kernel.zones import local_day
from kontor.mailer.formatting import language_of
from kontor.mails import service as mails
from kontor.mails.service import MailDraft, MailRule
from kontor.programme import consequence_queries as queries
from kontor.programme import versions
from kontor.programme.model import Programme
from kontor.programme.payloads import ProgrammesAnnounce
from kontor.programme.price_changes import PriceChange, fell_below, price_changes, run_price, shown_to
from kontor.programme.versions import VersionEntry, Versions
from models.accounts import Account
from models.fees import FeeKind
from models.mails import Mail

TEMPLATE: Final = "price-change"
NOTE: Final = "margin-note"
CHUNK: Final = 200
"""Number of resellers told in one transaction."""


class LossMaker(NamedTuple):
    """A client account that is charged less than its reseller."""

    account_id: UUID
    retail: Money
    cost: Money


def announce(ctx: Context, session: Session, payload: ProgrammesAnnounce) -> int:
    """Mail the next resellers, and enqueue the job for those after them; return the number of mails."""
    code, listed = payload.programme, Versions(ctx.programmes, session, payload.programme)
    version = versions.entry(session, code, payload.number)
    if versions.superseded(listed.listed, version, ctx.now):
        return 0
    before, after = listed.numbered(payload.follows).programme, listed.numbered(payload.number).programme
    resellers = queries.resellers_after(session, code, payload.after, CHUNK)
    changes = price_changes(before, after)
    drafts = [
        _price_mail(reseller, after, shown, version)
        for reseller in resellers
        if (shown := shown_to(changes, reseller.id))
    ]
    drafts += _margin_notes(ctx, session, code, before, after, resellers, version)
    if len(resellers) == CHUNK:
        ctx.jobs.enqueue(session, payload.model_copy(update={"after": resellers[-1].id}))
    return mails.post_many(session, ctx.jobs, drafts)


def _price_mail(
    reseller: Account, programme: Programme, changes: Sequence[PriceChange], version: VersionEntry
) -> MailDraft:
    prices = [
        {
            "item": _item_name(programme, change, reseller.locale),
            "before": change.before.to_document(),
            "after": change.after.to_document(),
        }
        for change in changes
    ]
    facts = {"begins": local_day(version.effective_at, programme.zone), "prices": prices}
    return MailDraft(TEMPLATE, reseller, facts, str(version.number), refs={"version": str(version.number)})


def _item_name(programme: Programme, change: PriceChange, locale: str) -> str:
    items = programme.plans if change.kind is FeeKind.PLAN else programme.products
    return items[change.code].name_in(language_of(locale))


def _margin_notes(
    ctx: Context,
    session: Session,
    code: str,
    before: Programme,
    after: Programme,
    resellers: Sequence[Account],
    version: VersionEntry,
) -> list[MailDraft]:
    """Return a note for each reseller and product whose clients' fees fall below the cost: the lowest fee first."""
    by_id = {reseller.id: reseller for reseller in resellers}
    below = newly_below_cost(ctx, session, code, before, after, list(by_id))
    names = queries.account_names(session, [losses[0].account_id for losses in below.values()])
    return [
        MailDraft(
            NOTE,
            by_id[reseller_id],
            {
                "account": names[losses[0].account_id],
                "product": after.products[product].name_in(language_of(by_id[reseller_id].locale)),
                "retail_fee": losses[0].retail.to_document(),
                "wholesale_fee": losses[0].cost.to_document(),
                "more": len(losses) - 1,
            },
            f"version {version.number}:{product}",
            refs={"version": str(version.number)},
        )
        for (reseller_id, product), losses in below.items()
    ]


def newly_below_cost(
    ctx: Context, session: Session, code: str, before: Programme, after: Programme, resellers: Sequence[UUID]
) -> Mapping[tuple[UUID, str], list[LossMaker]]:
    """Return the assignments that cost their reseller more than its client pays only in the second version."""
    old_day, new_day = ctx.today(before.zone), ctx.today(after.zone)
    runs = [run for run in queries.open_runs(session, code, new_day, resellers) if run.kind == FeeKind.PRODUCT]
    edits = queries.retail_edits(session, code)
    old, new = DiscountPercents(session, before), DiscountPercents(session, after)
    old.prefetch((run.reseller_id, old_day) for run in runs)
    new.prefetch((run.reseller_id, new_day) for run in runs)
    below: dict[tuple[UUID, str], list[LossMaker]] = defaultdict(list)
    for run in runs:
        was = run_price(before, old, run, edits, old_day)
        will = run_price(after, new, run, edits, new_day)
        if run.reseller_id is not None and will is not None and will.retail is not None and fell_below(was, will):
            below[run.reseller_id, run.code].append(LossMaker(run.account_id, will.retail, will.total))
    return {key: sorted(losses, key=lambda loss: loss.retail.amount) for key, losses in below.items()}


def _skip_reason(session: Session, mail: Mail, now: datetime) -> str | None:
    return versions.superseded_reason(session, mail.programme or "", mail.refs, now)


MAIL_RULES: Final[Mapping[str, MailRule]] = MappingProxyType({TEMPLATE: MailRule(skip_reason=_skip_reason)})
