"""A route of the portal: method, path, view, and who may use it."""

import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Final

from kontor.portal.auth import PagePolicy
from kontor.ui.portal_request import PortalRequest, PortalResponse
from models.members import MemberRole

PortalView = Callable[[PortalRequest], PortalResponse]
PortalCheck = Callable[[PortalRequest], Coroutine[None, None, object]]
"""Asks the network before the form's transaction: its result, or its error, is the request's `check`."""

OPEN: Final = PagePolicy(None)
ANY: Final = PagePolicy(any_account=True)
READ: Final = PagePolicy(MemberRole.VIEWER)
STAFF: Final = PagePolicy(MemberRole.STAFF)
FREE: Final = PagePolicy(MemberRole.VIEWER, factorless=True)
OWNER: Final = PagePolicy(MemberRole.OWNER)
PROVEN: Final = PagePolicy(MemberRole.OWNER, proof=True)
RESELLER: Final = PagePolicy(MemberRole.VIEWER, reseller=True)
SELLER: Final = PagePolicy(MemberRole.STAFF, reseller=True)
HEAD: Final = PagePolicy(MemberRole.OWNER, reseller=True)
"""Of the pages for a reseller's owner alone."""

HANDING: Final = PagePolicy(MemberRole.STAFF, reseller=True, proof=True)
"""Of what its staff may do that gives access away."""

SENSITIVE: Final = PagePolicy(MemberRole.OWNER, reseller=True, proof=True)
"""Of its acts that give access away or cannot be taken back: keys, merge, revert."""


@dataclass(frozen=True, slots=True)
class PortalRoute:
    """A page or form. `inside`: also under `/as/CLIENT`; `sign_in`: it verifies passwords; `files`: that it uploads.

    `polled`: a page asks it by itself, which does not keep a session alive.
    """

    method: str
    path: str
    view: PortalView
    policy: PagePolicy
    inside: bool = False
    sign_in: bool = False
    check: PortalCheck | None = None
    files: int = 0
    polled: bool = False

    @property
    def name(self) -> str:
        """The page's name: the path without ids, with dots, `.show` where an id ends it (contract.md 4)."""
        parts = re.sub(r"/\{\w+\}", "", self.path).strip("/").replace("/", ".")
        return f"{parts}.show" if self.path.endswith("}") else parts
