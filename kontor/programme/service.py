"""Applied programmes, as stored; products by code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import or_, select, text
from sqlalchemy.orm import Session

from kontor.kernel.errors import FieldError, Invalid, NotFound
from kontor.kernel.ports import Clock
from kontor.mailer.formatting import language_of
from kontor.programme import views
from kontor.programme.diff import Document
from kontor.programme.model import Product, Programme
from kontor.programme.parse import from_document
from models.accounts import Account
from models.fees import Charge, FeeRun, ProductOverride
from models.orders import OrderRow
from models.payments import PaymentRow
from models.programmes import ProgrammeRow, ProgrammeVersion

CACHE_KEY: Final = "kontor.programmes"


class Programmes:
    """Applied programmes by code, each version parsed once. Thread-safe.

    With a clock, a version that begins later is in force from its instant on, whether or not a job has run.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock
        self._read: dict[str, Programme] = {}

    def current(self, session: Session, code: str) -> Programme:
        """Return the programme of that code. Raises Invalid(`unknown_programme`)."""
        digest = applied_digest(session, code, self._clock)
        if digest is None:
            message = f"There is no programme {code!r}; GET /v1/programmes lists them."
            raise Invalid("unknown_programme", message, errors=[FieldError("programme", message)])
        return self.of_digest(session, code, digest)

    def of_digest(self, session: Session, code: str, digest: str) -> Programme:
        """Return the programme of a version's digest."""
        programme = self._read.get(digest)
        if programme is None:
            programme = self._read[digest] = from_document(document_of(session, code, digest))
        return programme

    def any(self, session: Session, code: str | None) -> Programme | None:
        """Return the programme of that code, or the first one; None when no programme is applied."""
        chosen = code or first_code(session)
        return self.current(session, chosen) if chosen else None


def applied_digest(session: Session, code: str, clock: Clock | None = None) -> str | None:
    """Return the digest of the version in force, read once per transaction."""
    cached: tuple[object, dict[str, str]] | None = session.info.get(CACHE_KEY)
    if cached is None or cached[0] is not session.get_transaction():
        cached = None
    elif code in cached[1]:
        return cached[1][code]
    row = session.execute(select(ProgrammeRow.digest, ProgrammeRow.next_at).where(ProgrammeRow.code == code)).first()
    if row is None:
        return None
    now = None if clock is None or row.next_at is None else clock.now()
    digest = row.digest if now is None or now < row.next_at else in_force(session, code, now).digest
    remember_digests(session, {code: digest})
    return digest


def remember_digests(session: Session, digests: Mapping[str, str]) -> None:
    """Keep digests of versions in force, by code, for the rest of the transaction that read them."""
    cached: tuple[object, dict[str, str]] | None = session.info.get(CACHE_KEY)
    memo = cached[1] if cached is not None and cached[0] is session.get_transaction() else {}
    session.info[CACHE_KEY] = (session.get_transaction(), {**memo, **digests})


def in_force(session: Session, code: str, now: datetime) -> ProgrammeVersion:
    """Return the kept version that is in force at an instant at which one has begun."""
    query = select(ProgrammeVersion).where(ProgrammeVersion.programme == code, ProgrammeVersion.effective_at <= now)
    last = query.order_by(ProgrammeVersion.effective_at.desc(), ProgrammeVersion.number.desc()).limit(1)
    return session.scalars(last).one()


def document_of(session: Session, code: str, digest: str) -> Document:
    """Return the document of a digest. Raises NotFound."""
    row = get(session, code)
    if row.digest == digest:
        return row.document
    query = select(ProgrammeVersion.document).where(
        ProgrammeVersion.programme == code, ProgrammeVersion.digest == digest
    )
    document = session.scalars(query.limit(1)).first()
    if document is None:
        raise NotFound("unknown_programme", f"The programme {code!r} has no version {digest}.")
    return document


def clear_digest_cache(session: Session) -> None:
    """Clear the transaction's cached digests, after a programme was applied."""
    session.info.pop(CACHE_KEY, None)


def get(session: Session, code: str) -> ProgrammeRow:
    """Return the applied programme of a code. Raises NotFound."""
    row = by_code(session, code)
    if row is None:
        raise NotFound("unknown_programme", f"There is no programme {code!r}.")
    return row


def list_programmes(session: Session) -> Sequence[ProgrammeRow]:
    """Return all applied programmes, by code."""
    return session.scalars(select(ProgrammeRow).order_by(ProgrammeRow.code)).all()


def by_code(session: Session, code: str, *, lock: bool = False) -> ProgrammeRow | None:
    """Return one programme, refreshed from the database; `lock`: while new accounts and charges still name it."""
    query = select(ProgrammeRow).where(ProgrammeRow.code == code)
    if lock:
        query = query.with_for_update(key_share=True)
    fresh = query.execution_options(populate_existing=True)
    return session.scalars(fresh).one_or_none()


def first_code(session: Session) -> str | None:
    """Return the first code in alphabetical order."""
    return session.scalar(select(ProgrammeRow.code).order_by(ProgrammeRow.code).limit(1))


def plans_in_use(session: Session, code: str, plans: Iterable[str]) -> list[str]:
    """Return those of the plans that an account of the programme is on."""
    query = select(Account.plan).where(Account.programme == code, Account.plan.in_(list(plans)))
    return sorted(session.scalars(query.where(Account.purged_at.is_(None)).distinct()))


def has_postings(session: Session, code: str) -> bool:
    """Whether any money stands under the programme: a payment, an order, a charge, or a fee that a reseller set."""
    paid = select(PaymentRow.id).join(Account, Account.id == PaymentRow.reseller_id).where(Account.programme == code)
    money = (
        paid,
        select(OrderRow.id).where(OrderRow.programme == code),
        select(Charge.id).where(Charge.programme == code),
        select(FeeRun.id).where(FeeRun.programme == code, FeeRun.retail_fee.is_not(None)),
        select(ProductOverride.product).where(
            ProductOverride.programme == code, ProductOverride.retail_fee.is_not(None)
        ),
    )
    return bool(session.scalar(select(or_(*(each.exists() for each in money)))))


def visible(programme: Programme, owner: Account) -> Mapping[str, Product]:
    """Return the products that a reseller may sell: all except those that another reseller manages."""
    return views.sold_by(programme, owner.id)


OWN_PRODUCTS: Final = text(
    "SELECT code FROM fee_runs WHERE account_id = :id AND kind = 'product'"
    " UNION SELECT product FROM grants WHERE account_id = :id"
    " UNION SELECT line ->> 'product' FROM offers, jsonb_array_elements(lines) AS line WHERE account_id = :id"
)
OTHERS_PRODUCTS: Final = text(
    "SELECT product.key FROM programmes, jsonb_each(document -> 'products') AS product WHERE code = :code"
    " AND product.value ->> 'managed_by' = 'reseller' AND product.value ->> 'reseller' IS DISTINCT FROM :reseller"
)


def document_for_client(session: Session, programme: Programme, account: Account) -> Document:
    """Return a programme's document as a client sees it."""
    own = session.scalars(OWN_PRODUCTS, {"id": account.id}).all()
    edits = select(ProductOverride.product, ProductOverride.name).where(
        ProductOverride.programme == account.programme, ProductOverride.reseller_id == account.reseller_id
    )
    renamed = {code: name for code, name in session.execute(edits) if name is not None}
    return views.for_client(programme, own, renamed)


def products_of_others(session: Session, code: str, reseller_id: UUID) -> set[str]:
    """Return the products of a programme that other resellers manage."""
    return set(session.scalars(OTHERS_PRODUCTS, {"code": code, "reseller": str(reseller_id)}))


def name_of(programme: Programme, code: str, locale: str) -> str:
    """Return a product's name in a locale; its code when the programme no longer has it."""
    product = programme.products.get(code)
    return product.name_in(language_of(locale)) if product is not None else code
