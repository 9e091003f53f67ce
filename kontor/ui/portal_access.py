"""What a person may do on the portal for one account; apart from requests, which a worker never loads."""

from dataclasses import dataclass
from uuid import UUID

from models.accounts import Account
from models.members import MemberRole


@dataclass(frozen=True, slots=True)
class Access:
    """An account that a session may act for: the role and the person; an owner's id is the account's.

    `by_reseller`: the account's reseller opened it; it decides nothing, and what it sets the reseller has set
    (programme.md 5.8). `by_operator`: the address of the operator who entered; to the account's people it is staff.
    """

    account: Account
    role: MemberRole
    person_id: UUID
    name: str
    email: str
    locale: str
    by_reseller: bool = False
    by_operator: str | None = None
