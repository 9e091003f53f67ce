"""Passkeys of operators (WebAuthn, by py_webauthn, which takes 0.2 s to load)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from kontor.kernel.errors import FieldError, Invalid
from kontor.kernel.ids import new_id
from kontor.operators.factors import ISSUER, Change, clean_name, list_factors
from models.people import FactorKind, Operator, OperatorFactor

if TYPE_CHECKING:
    from sqlalchemy.orm import Session
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
        """Return the party of the console's address; a loopback address is `localhost`, since passkeys need a name."""
        parts = urlsplit(url)
        host = "localhost" if parts.hostname in LOOPBACK else parts.hostname or ""
        return cls(host, f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else ""))


def creation_options(session: Session, party: RelyingParty, operator: Operator, challenge: bytes) -> str:
    """Return the options of `navigator.credentials.create` as JSON."""
    from webauthn import generate_registration_options, options_to_json

    options = generate_registration_options(
        rp_id=party.host,
        rp_name=ISSUER,
        user_id=operator.id.bytes,
        user_name=operator.email,
        challenge=challenge,
        exclude_credentials=_descriptors(session, operator),
    )
    return options_to_json(options)


def add(change: Change, party: RelyingParty, name: str, credential: str, challenge: bytes) -> OperatorFactor:
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
    factor = OperatorFactor(
        id=new_id(),
        operator_id=change.operator.id,
        kind=FactorKind.PASSKEY.value,
        name=clean_name(name, "Passkey"),
        credential_id=bytes_to_base64url(made.credential_id),
        public_key=bytes_to_base64url(made.credential_public_key),
        sign_count=made.sign_count,
        created_at=change.wall_time,
    )
    change.session.add(factor)
    change.session.flush()
    change.record("add_factor", kind=factor.kind, name=factor.name)
    return factor


def request_options(session: Session, party: RelyingParty, operator: Operator, challenge: bytes) -> str | None:
    """Return the options of `navigator.credentials.get` as JSON; None if the operator has no passkey."""
    from webauthn import generate_authentication_options, options_to_json

    allowed = _descriptors(session, operator)
    if not allowed:
        return None
    options = generate_authentication_options(rp_id=party.host, challenge=challenge, allow_credentials=allowed)
    return options_to_json(options)


def verify(
    session: Session, party: RelyingParty, operator: Operator, credential: str, challenge: bytes, wall_time: datetime
) -> bool:
    """Return whether one of the operator's passkeys signed the challenge."""
    from webauthn import verify_authentication_response
    from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, parse_authentication_credential_json
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        parsed = parse_authentication_credential_json(credential)
        credential_id = bytes_to_base64url(parsed.raw_id)
        factor = next(item for item in _passkeys(session, operator) if item.credential_id == credential_id)
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


def _passkeys(session: Session, operator: Operator) -> list[OperatorFactor]:
    return [factor for factor in list_factors(session, operator.id) if factor.kind == FactorKind.PASSKEY]


def _descriptors(session: Session, operator: Operator) -> list[PublicKeyCredentialDescriptor]:
    from webauthn.helpers import base64url_to_bytes
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

    return [
        PublicKeyCredentialDescriptor(id=base64url_to_bytes(factor.credential_id or ""))
        for factor in _passkeys(session, operator)
    ]
