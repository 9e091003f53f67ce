"""Ownership of the resource named by a path."""

from sqlalchemy.orm import Session

from api.call import Owner, uuid_of
from engine.driver import driver
from services import jobs
from services.keys import Possession
from store import owners


def _by(statement: str) -> Owner:
    def find(session: Session, text: str) -> Possession | None:
        row = owners.find(driver(session), statement, uuid_of(text))
        return None if row is None else Possession(*row)

    return find


def _job(session: Session, text: str) -> Possession | None:
    return jobs.owner(session, uuid_of(text))


def _provider(_session: Session, text: str) -> Possession:
    """Return the provider's ownership: invisible to bound keys."""
    uuid_of(text)
    return Possession()


account: Owner = _by(owners.ACCOUNT)
offer: Owner = _by(owners.OFFER)
template: Owner = _by(owners.TEMPLATE)
mail: Owner = _by(owners.MAIL)
endpoint: Owner = _by(owners.ENDPOINT)
charge: Owner = _by(owners.CHARGE)
job: Owner = _job
provider: Owner = _provider
