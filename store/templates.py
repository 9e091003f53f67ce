"""SQL of offer templates."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.offers import Offer, OfferTemplate


def get(session: Session, template_id: UUID, *, lock: bool = False) -> OfferTemplate | None:
    """One template, locked when it is about to change."""
    return session.get(OfferTemplate, template_id, with_for_update=lock or None, populate_existing=lock)


def by_name(session: Session, reseller_id: UUID, name: str) -> OfferTemplate | None:
    """A reseller's template of that very name."""
    query = select(OfferTemplate).where(OfferTemplate.reseller_id == reseller_id, OfferTemplate.name == name)
    return session.scalar(query)


def listed(session: Session, reseller_id: UUID | None, before: UUID | None, limit: int) -> list[OfferTemplate]:
    """Newest first, all resellers' when none is named."""
    query = select(OfferTemplate).order_by(OfferTemplate.id.desc()).limit(limit)
    if reseller_id is not None:
        query = query.where(OfferTemplate.reseller_id == reseller_id)
    if before is not None:
        query = query.where(OfferTemplate.id < before)
    return list(session.scalars(query))


def delete(session: Session, template: OfferTemplate) -> None:
    """Remove a template; offers made from it forget it and keep their snapshot."""
    session.execute(update(Offer).where(Offer.template_id == template.id).values(template_id=None))
    session.delete(template)
    session.flush()
