"""Requests that the owner of another reseller agrees, by mail, to its merge into one's own (programme.md 2.6).

The answer and what the asker sees are the same whether there is such a reseller or not. Whoever is meant gets a link
to a page that shows what would happen and asks; the owner has to sign in there. Then the asker begins the merge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor import audit
from kontor.accounts import merge, merge_request_queries, queries
from kontor.accounts.locks import lock_account, require_active
from kontor.accounts.merge import MergeReport
from kontor.audit import Actor
from kontor.context import Context
from kontor.kernel.errors import Conflict, FieldError, Gone, Invalid, NotFound
from kontor.kernel.ids import new_id
from kontor.kernel.limits import MERGE_REQUESTS
from kontor.kernel.tokens import Tokens
from kontor.kernel.validation import address_key, name_key
from kontor.limits import service as limits
from kontor.mails import service as mails
from kontor.mails.service import Links, MailRule
from models.accounts import Account, AccountKind
from models.mails import Mail
from models.merging import MergeRequest, MergeRequestState

TEMPLATE: Final = "merge-request"
PURPOSE: Final = "merge-request"
PAGE: Final = "/partner/merge"
LIFE: Final = timedelta(days=7)
LONGEST: Final = 320
OPEN: Final = frozenset({MergeRequestState.ASKED, MergeRequestState.AGREED})
ASKED, AGREED = "asked", "agreed"


@dataclass(frozen=True, slots=True)
class AskedMerge:
    """A request as the owner of the reseller that would be merged sees it: who asks, and what would happen."""

    request: MergeRequest
    asker: Account
    report: MergeReport


class RequestOver(Gone):
    """A request that was withdrawn or refused, is too old, or went to a former address."""

    def __init__(self, code: str) -> None:
        super().__init__(code, "This request is no longer open.")


def ask(ctx: Context, session: Session, asker_id: UUID, identifier: str, by: Actor) -> MergeRequest:
    """Ask whoever an account name or admin address means, by mail; an earlier open request is withdrawn.

    Raises NotFound, Invalid, LimitReached, Conflict(`account_deleted`).
    """
    asker = lock_account(session, asker_id)
    typed = _validated(identifier)
    limits.take(session, MERGE_REQUESTS, str(asker.id), ctx.now, asker.id)
    former = latest(session, asker.id)
    if former is not None and former.state in OPEN:
        _move(ctx, session, former, MergeRequestState.WITHDRAWN, by)
    request = MergeRequest(
        id=new_id(),
        reseller_id=asker.id,
        identifier=typed,
        state=MergeRequestState.ASKED.value,
        created_at=ctx.now,
        expires_at=ctx.now + LIFE,
    )
    session.add(request)
    session.flush()
    _record(ctx, session, request, by)
    for other in _meant(session, asker, typed):
        facts = {"account": other.name, "other": asker.name, "state": ASKED, "expires_at": request.expires_at}
        refs = {"request_id": str(request.id), "state": ASKED, "version": other.email_version}
        key = f"{request.id}:{ASKED}"
        mails.post(session, ctx.jobs, template=TEMPLATE, account=other, facts=facts, fact_key=key, refs=refs)
    return request


def latest(session: Session, asker_id: UUID) -> MergeRequest | None:
    """Return a reseller's newest request."""
    return merge_request_queries.latest(session, asker_id)


def is_open(request: MergeRequest, now: datetime) -> bool:
    """Return whether a request may still be answered, withdrawn or begun."""
    return request.state in OPEN and now < request.expires_at


def withdraw(ctx: Context, session: Session, asker_id: UUID, request_id: UUID, by: Actor) -> None:
    """Withdraw a request of one's own; its link works no longer. Raises NotFound, Conflict(`request_over`)."""
    _move(ctx, session, _own_open(ctx, session, asker_id, request_id), MergeRequestState.WITHDRAWN, by)


def peek(ctx: Context, session: Session, tokens: Tokens, token: str, account: Account) -> AskedMerge:
    """Return the request of a link to an account's owner; changes nothing.

    Raises NotFound (forged, or mailed to another account), RequestOver, Conflict as a merge does.
    """
    request = _addressed(ctx, session, tokens, token, account)
    asker = queries.by_id(session, request.reseller_id)
    if asker is None:
        raise RequestOver("withdrawn")
    return AskedMerge(request, asker, merge.preview(ctx, session, account.id, asker.id))


def agree(ctx: Context, session: Session, tokens: Tokens, token: str, account: Account, by: Actor) -> None:
    """Agree to the merge and mail the asker; a repeat changes nothing. Raises as `peek` does."""
    request = _addressed(ctx, session, tokens, token, account, lock=True)
    asker = require_active(queries.by_id(session, request.reseller_id) or _no_asker())
    merge.preview(ctx, session, account.id, asker.id)
    if request.state == MergeRequestState.AGREED:
        return
    request.other_id, request.other_version = account.id, account.email_version
    _move(ctx, session, request, MergeRequestState.AGREED, by)
    facts = {"account": asker.name, "other": account.name, "state": AGREED, "expires_at": request.expires_at}
    refs = {"request_id": str(request.id), "state": AGREED, "version": asker.email_version}
    key = f"{request.id}:{AGREED}"
    mails.post(session, ctx.jobs, template=TEMPLATE, account=asker, facts=facts, fact_key=key, refs=refs)


def refuse(ctx: Context, session: Session, tokens: Tokens, token: str, account: Account, by: Actor) -> None:
    """Refuse a request, or take one's agreement back while the merge has not begun. Raises as `peek` does."""
    request = _addressed(ctx, session, tokens, token, account, lock=True)
    request.other_id, request.other_version = account.id, account.email_version
    _move(ctx, session, request, MergeRequestState.REFUSED, by)


def agreed_report(ctx: Context, session: Session, request: MergeRequest) -> tuple[Account, MergeReport] | None:
    """Return the reseller whose owner agreed, and what its merge would do; None before, or when that holds no more.

    Raises Conflict as a merge does.
    """
    other = None if request.other_id is None else queries.by_id(session, request.other_id)
    if request.state != MergeRequestState.AGREED or not is_open(request, ctx.now) or other is None:
        return None
    if other.suspended or other.email_version != request.other_version:
        return None
    return other, merge.preview(ctx, session, other.id, request.reseller_id)


def begin(ctx: Context, session: Session, asker_id: UUID, request_id: UUID, by: Actor) -> UUID:
    """Enqueue the merge that the other owner agreed to; return the job's id.

    Raises NotFound, Conflict(`request_over`, `not_agreed`, `conflicts`, and as a merge does).
    """
    request = _own_open(ctx, session, asker_id, request_id)
    agreed = agreed_report(ctx, session, request)
    if agreed is None:
        raise Conflict("not_agreed", "The other owner has not agreed.", state=request.state)
    other, report = agreed
    merge.require_no_conflicts(report)
    _move(ctx, session, request, MergeRequestState.BEGUN, by)
    consent = {"via": "mail", "request": str(request.id), "at": request.decided_at}
    return merge.enqueue(ctx, session, other.id, asker_id, by.name, consent)


def _validated(identifier: str) -> str:
    typed = identifier.replace("\x00", "").encode("utf-8", "replace").decode().strip()
    if not typed or len(typed) > LONGEST:
        raise Invalid(errors=[FieldError("identifier", f"must have 1 to {LONGEST} characters")])
    return typed


def _meant(session: Session, asker: Account, typed: str) -> Sequence[Account]:
    """Return the other resellers of the programme that a name or address means."""
    named = merge_request_queries.resellers_named(session, asker.programme, name_key(typed), address_key(typed))
    return [account for account in named if account.id != asker.id]


def _no_asker() -> Account:
    raise RequestOver("withdrawn")


def _addressed(
    ctx: Context, session: Session, tokens: Tokens, token: str, account: Account, *, lock: bool = False
) -> MergeRequest:
    """Return the open request of a link that was mailed to an account's present address."""
    claims = tokens.read_expired(PURPOSE, token)
    request = merge_request_queries.by_id(session, UUID(claims["request"]), lock=lock)
    if request is None or claims["account"] != account.id.hex:
        raise NotFound("unknown_token", "This link is not valid.")
    if claims["version"] != account.email_version:
        raise RequestOver("address_changed")
    if request.state not in OPEN or request.other_id not in {None, account.id}:
        raise RequestOver(request.state)
    if ctx.now >= request.expires_at:
        raise RequestOver("expired")
    return request


def _own_open(ctx: Context, session: Session, asker_id: UUID, request_id: UUID) -> MergeRequest:
    request = merge_request_queries.by_id(session, request_id, lock=True)
    if request is None or request.reseller_id != asker_id:
        raise NotFound(message="There is no such request.")
    if not is_open(request, ctx.now):
        raise Conflict("request_over", "This request is no longer open.", state=request.state)
    return request


def _move(ctx: Context, session: Session, request: MergeRequest, to: MergeRequestState, by: Actor) -> None:
    request.state = to.value
    if to in {MergeRequestState.AGREED, MergeRequestState.REFUSED}:
        request.decided_at = ctx.now
    session.flush()
    _record(ctx, session, request, by)


def _record(ctx: Context, session: Session, request: MergeRequest, by: Actor) -> None:
    """Keep who asked, agreed, refused, withdrew or began, from where: the evidence of both consents."""
    detail = {"request": str(request.id), "reseller_id": str(request.reseller_id)}
    if request.other_id is not None:
        detail |= {"other": str(request.other_id), "address_version": str(request.other_version)}
    action = f"{TEMPLATE}.{request.state}"
    audit.record(session, by, action, f"account:{request.other_id or request.reseller_id}", at=ctx.now, detail=detail)


def _row_of(session: Session, mail: Mail) -> MergeRequest | None:
    return merge_request_queries.by_id(session, UUID(str(mail.refs["request_id"])))


def _links(session: Session, tokens: Tokens, mail: Mail) -> Links:
    request = _row_of(session, mail)
    if mail.refs["state"] == AGREED or request is None or mail.account_id is None:
        return {"page": PAGE}
    content = {"request": request.id.hex, "account": mail.account_id.hex, "version": mail.refs["version"]}
    return {"page": f"{PAGE}/requests/{tokens.make(PURPOSE, content, request.expires_at)}"}


def _skip_reason(session: Session, mail: Mail, now: datetime) -> str | None:
    request = _row_of(session, mail)
    if request is None or request.state != mail.refs["state"]:
        return "the request was answered or withdrawn"
    if now >= request.expires_at:
        return "the request has expired"
    account = None if mail.account_id is None else queries.by_id(session, mail.account_id)
    if account is None or account.email_version != mail.refs["version"] or account.kind != AccountKind.RESELLER:
        return "the account is no longer whom the request was for"
    return None


MAIL_RULES: Final = {TEMPLATE: MailRule(skip_reason=_skip_reason, links=_links)}
