"""The mail about a sign-in from a new device, to the person who signed in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from kontor.context import Context
from kontor.http.browsers import device_name
from kontor.kernel.validation import address_key
from kontor.mails import service as mails
from kontor.members.sessions import NewPortalSession
from kontor.ui.portal_access import Access
from models.members import MemberRole

TEMPLATE: Final = "new-sign-in"
OWNERS_PAGE: Final = "/account/security"
MEMBERS_PAGE: Final = "/account/sign-in"


def post_new_sign_in(
    ctx: Context, session: Session, new: NewPortalSession, served: Sequence[Access], at: datetime
) -> None:
    """Post `new-sign-in` once to each address that the session belongs to. `at` is real time."""
    row, mailed = new.session, set[str]()
    for access in served:
        key = address_key(access.email)
        if key in mailed:
            continue
        mailed.add(key)
        owner = access.role is MemberRole.OWNER
        login = access.account.name if owner else access.email
        facts = {"email": login, "at": at, "device": device_name(row.agent), "origin": row.origin}
        mails.post(
            session,
            ctx.jobs,
            template=TEMPLATE,
            account=access.account,
            to=access.email,
            facts=facts,
            fact_key=f"session:{row.id}",
            refs={"page": OWNERS_PAGE if owner else MEMBERS_PAGE},
            locale=access.locale,
        )
