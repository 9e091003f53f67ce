"""Signing in by an identity provider (OpenID Connect): its settings, what it says of a person, the port."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from kontor.kernel.errors import KontorError


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """The provider and this client of it. `roles`: the role that each value of `role_claim` gives, best role last."""

    issuer: str
    client_id: str
    client_secret: str | None = field(repr=False)
    role_claim: str
    roles: Mapping[str, str] = field(hash=False)


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """One sign-in at the provider, from the redirect there to the one back (PKCE, RFC 7636)."""

    state: str
    nonce: str
    verifier: str = field(repr=False)
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class Identity:
    """A person as a verified ID token names it. `roles`: the values of the role claim."""

    subject: str
    email: str
    email_verified: bool
    roles: tuple[str, ...]


class IdentityRefused(KontorError):
    """The provider did not answer, or its answer is not valid."""

    def __init__(self, message: str) -> None:
        super().__init__("identity_refused", message)


class IdentityProvider(Protocol):
    """An OpenID Connect provider. Both calls do network I/O."""

    @property
    def issuer(self) -> str:
        """The provider's identifier."""

    def authorization_url(self, request: AuthorizationRequest, *, again: bool) -> str:
        """Return where the browser signs in; `again`: even if it is signed in there. Raises IdentityRefused."""

    def identity(self, request: AuthorizationRequest, code: str) -> Identity:
        """Exchange the code and verify the ID token. Raises IdentityRefused."""

    def role_of(self, identity: Identity) -> str | None:
        """Return the role that a person's claims give; None if they give none."""


def parse_roles(text: str) -> Mapping[str, str]:
    """Parse `value=role,value=role`. Raises ValueError."""
    pairs = [part.strip().rpartition("=") for part in text.split(",") if part.strip()]
    if not pairs or any(not value or role not in RANKED for value, _, role in pairs):
        raise ValueError("use value=role pairs such as ops=operator,leads=admin; a role is viewer, operator or admin")
    return {value.strip(): role for value, _, role in pairs}


RANKED = ("viewer", "operator", "admin")


def best_role(roles: Mapping[str, str], values: Iterable[str]) -> str | None:
    """Return the role with the most permissions that the values give."""
    return max((roles[value] for value in values if value in roles), key=RANKED.index, default=None)
