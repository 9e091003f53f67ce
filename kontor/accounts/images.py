"""Images of brands: uploaded or fetched once, made again as PNG, served by us under the digest (programme.md 3.4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import brand_queries
from kontor.accounts.brands import BrandSettings
from kontor.accounts.image_coding import SOURCE_LIMIT, InvalidImage, Picture, recode
from kontor.accounts.payloads import BrandImageFetch
from kontor.context import Context
from kontor.kernel.errors import Invalid, Unreachable
from kontor.kernel.failure_causes import NOT_SENT_PREFIX, FailureCause, failure_cause
from kontor.kernel.ports import HttpReader
from kontor.kernel.states import ImageRole, ImageState
from kontor.mailer.brand import image_path
from models.accounts import Account

TRANSIENT: Final = frozenset(
    {
        FailureCause.OVERLOADED,
        FailureCause.SERVER_ERROR,
        FailureCause.TIMED_OUT,
        FailureCause.NAME_UNKNOWN,
        FailureCause.CONNECTION_REFUSED,
        FailureCause.UNREACHABLE,
    }
)
"""Causes that may pass: the image is tried again."""


@dataclass(frozen=True, slots=True)
class FetchedImage:
    """What a URL led to: a picture, or why there is none."""

    url: str
    picture: Picture | None = None
    cause: FailureCause | None = None

    @property
    def may_pass(self) -> bool:
        """Whether another attempt may succeed."""
        return self.cause in TRANSIENT


def request_images(ctx: Context, session: Session, account: Account, settings: BrandSettings) -> None:
    """Have the images of a brand fetched; one that is there or on its way from the same URL stays as it is."""
    for role, url in ((ImageRole.LOGO, settings.logo_url), (ImageRole.FAVICON, settings.favicon_url)):
        former = brand_queries.image(session, account.id, role, lock=True)
        if url is None:
            brand_queries.forget(session, account.id, role)
        elif former is None or former.url != url or former.state == ImageState.FAILED:
            _request(ctx, session, account.id, account.reseller_id, role, url)


def upload(ctx: Context, session: Session, account: Account, role: ImageRole, content: bytes, base: str) -> None:
    """Put an uploaded image in force at once; its URL is our own address of it. Raises InvalidImage."""
    picture = recode(content)
    digest = sha256(picture.content).hexdigest()
    brand_queries.put_file(session, account.id, digest, picture.content, ctx.now)
    url = f"{base}{image_path(digest)}"
    brand_queries.put_request(session, account.id, role, url, ctx.now, ImageState.READY)
    brand_queries.put_uploaded(session, account.id, role, url, digest, ctx.now)


def remove(session: Session, account: Account, role: ImageRole, now: datetime) -> None:
    """Take an image back."""
    brand_queries.forget(session, account.id, role)
    brand_queries.put_url(session, account.id, role, None, now)


def request_missing(ctx: Context, session: Session, limit: int) -> int:
    """Have images fetched that brands name and nobody requested; return how many."""
    missing = brand_queries.unrequested(session, limit)
    for account_id, reseller_id, role, url in missing:
        _request(ctx, session, account_id, reseller_id, ImageRole(role), url)
    return len(missing)


def _request(
    ctx: Context, session: Session, account_id: UUID, reseller_id: UUID | None, role: ImageRole, url: str
) -> None:
    brand_queries.put_request(session, account_id, role, url, ctx.now)
    payload = BrandImageFetch(account_id=account_id, role=role)
    unique_key = f"{account_id}:{role}:{sha256(url.encode()).hexdigest()}"
    ctx.jobs.enqueue(session, payload, tenant=str(reseller_id or account_id), unique_key=unique_key)


def waiting_url(session: Session, account_id: UUID, role: ImageRole) -> str | None:
    """Return the URL of an image that waits to be fetched, None without one."""
    row = brand_queries.image(session, account_id, role)
    return row.url if row is not None and row.state == ImageState.WAITING else None


def fetch(reader: HttpReader, url: str) -> FetchedImage:
    """Fetch an image once, without following a redirect, and make it again. Call it with no transaction open."""
    try:
        reply = reader.get(url, SOURCE_LIMIT + 1)
        if not 200 <= reply.status < 300:
            return FetchedImage(url, cause=failure_cause(f"answered {reply.status}"))
        return FetchedImage(url, recode(reply.body))
    except InvalidImage as error:
        return FetchedImage(url, cause=error.cause)
    except Unreachable as error:
        return FetchedImage(url, cause=failure_cause(error.message))
    except Invalid as error:
        return FetchedImage(url, cause=failure_cause(NOT_SENT_PREFIX + error.message))


def record(ctx: Context, session: Session, payload: BrandImageFetch, fetched: FetchedImage) -> ImageState | None:
    """Store an image and put it in force, or say why there is none; None if another URL was set meanwhile."""
    row = brand_queries.image(session, payload.account_id, payload.role, lock=True)
    if row is None or row.url != fetched.url or row.state != ImageState.WAITING:
        return None
    state = ImageState.FAILED if fetched.picture is None else ImageState.READY
    row.state, row.problem, row.fetched_at = state.value, fetched.cause and fetched.cause.value, ctx.now
    if fetched.picture is not None:
        digest = sha256(fetched.picture.content).hexdigest()
        brand_queries.put_file(session, payload.account_id, digest, fetched.picture.content, ctx.now)
        brand_queries.put_in_force(session, payload.account_id, payload.role, digest)
    session.flush()
    return state


def note_problem(session: Session, payload: BrandImageFetch, error: str, *, final: bool) -> None:
    """Say why an attempt failed; `final`: there is no further one."""
    row = brand_queries.image(session, payload.account_id, payload.role, lock=True)
    if row is None or row.state != ImageState.WAITING:
        return
    row.problem = error if error in set(FailureCause) else FailureCause.OTHER.value
    if final:
        row.state = ImageState.FAILED.value
