"""Passkeys of console and portal (WebAuthn, by py_webauthn, which takes 0.2 s to load); each belongs to a host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from kontor.http.second_factors import FactorChange, FactorStore, clean_name
from kontor.kernel.errors import FieldError, Invalid
from models.factors import FactorColumns, FactorKind

if TYPE_CHECKING:
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

CHALLENGE_BYTES: Final = 32
LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})
NOT_ACCEPTED: Final = "The passkey was not accepted. Try again, in the browser that holds it."


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """The host that passkeys belong to, and the origin that pages have there."""

    host: str
    origin: str

    @classmethod
    def of(cls, url: str) -> RelyingParty:
        """Return the party of a host's address; a loopback address is `localhost`, since passkeys need a name."""
        parts = urlsplit(url)
        host = "localhost" if parts.hostname in LOOPBACK else parts.hostname or ""
        return cls(host, f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else ""))


@dataclass(frozen=True, slots=True)
class PasskeyUser:
    """What a new passkey remembers: who it is for, and the name of the service."""

    id: bytes
    name: str
    issuer: str


def creation_options(store: FactorStore, party: RelyingParty, user: PasskeyUser, challenge: bytes) -> str:
    """Return the options of `navigator.credentials.create` as JSON."""
    from webauthn import generate_registration_options, options_to_json

    options = generate_registration_options(
        rp_id=party.host,
        rp_name=user.issuer,
        user_id=user.id,
        user_name=user.name,
        challenge=challenge,
        exclude_credentials=_descriptors(store, party),
    )
    return options_to_json(options)


def add(change: FactorChange, party: RelyingParty, name: str, credential: str, challenge: bytes) -> FactorColumns:
    """Add the passkey that a browser made for the challenge. Raises Invalid."""
    from webauthn import verify_registration_response
    from webauthn.helpers import bytes_to_base64url
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        made = verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party.host,
            expected_origin=party.origin,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise Invalid(message=NOT_ACCEPTED, errors=[FieldError("credential", NOT_ACCEPTED)]) from None
    factor = change.store.new_factor(party.host)
    factor.credential_id = bytes_to_base64url(made.credential_id)
    factor.public_key = bytes_to_base64url(made.credential_public_key)
    factor.sign_count = made.sign_count
    change.add(factor, FactorKind.PASSKEY, clean_name(name, "Passkey"))
    return factor


def request_options(stores: Sequence[FactorStore], party: RelyingParty, challenge: bytes) -> str | None:
    """Return the options of `navigator.credentials.get` as JSON; None if no holder has a passkey of the host."""
    from webauthn import generate_authentication_options, options_to_json

    allowed = [descriptor for store in stores for descriptor in _descriptors(store, party)]
    if not allowed:
        return None
    options = generate_authentication_options(rp_id=party.host, challenge=challenge, allow_credentials=allowed)
    return options_to_json(options)


def verify(store: FactorStore, party: RelyingParty, credential: str, challenge: bytes, wall_time: datetime) -> bool:
    """Return whether one of the holder's passkeys signed the challenge."""
    from webauthn import verify_authentication_response
    from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, parse_authentication_credential_json
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        parsed = parse_authentication_credential_json(credential)
        credential_id = bytes_to_base64url(parsed.raw_id)
        factor = next(item for item in store.passkeys(party.host) if item.credential_id == credential_id)
        verified = verify_authentication_response(
            credential=parsed,
            expected_challenge=challenge,
            expected_rp_id=party.host,
            expected_origin=party.origin,
            credential_public_key=base64url_to_bytes(factor.public_key or ""),
            credential_current_sign_count=factor.sign_count or 0,
        )
    except (WebAuthnException, StopIteration, ValueError, KeyError, TypeError):
        return False
    factor.sign_count, factor.used_at = verified.new_sign_count, wall_time
    return True


def _descriptors(store: FactorStore, party: RelyingParty) -> list[PublicKeyCredentialDescriptor]:
    from webauthn.helpers import base64url_to_bytes
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

    return [
        PublicKeyCredentialDescriptor(id=base64url_to_bytes(factor.credential_id or ""))
        for factor in store.passkeys(party.host)
    ]
