"""Second factors of operators: authenticator apps (TOTP, RFC 6238), passkeys, recovery codes. Times are real time."""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

import pyotp
from sqlalchemy.orm import Session

from kontor import audit
from kontor.audit import Actor
from kontor.kernel import database
from kontor.kernel.data_keys import DecryptionError
from kontor.kernel.errors import FieldError, Invalid, NotFound
from kontor.kernel.ids import new_id
from kontor.kernel.ports import SecretBox
from kontor.operators import queries
from models.people import FactorKind, Operator, OperatorFactor, RecoveryCode

STEP_SECONDS: Final = 30
DRIFT_STEPS: Final = 1
RECOVERY_CODES: Final = 10
RECOVERY_BYTES: Final = 10
NAME_LIMIT: Final = 60
ISSUER: Final = "Kontor"
WRONG_CODE: Final = "This code is not right. Check the clock of your device, and enter the code that it shows now."


@dataclass(frozen=True, slots=True)
class Change:
    """Whose factors change, and who changes them; `now` is programme time, for the audit log."""

    session: Session
    operator: Operator
    actor: Actor
    now: datetime
    wall_time: datetime

    def record(self, action: str, **detail: str) -> None:
        """Leave the change in the audit log."""
        audit.record(self.session, self.actor, f"operator.{action}", self.operator.email, at=self.now, detail=detail)


@dataclass(frozen=True, slots=True)
class NewTotp:
    """The secret of an authenticator app that is being set up, and its address for a QR code."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)


def new_totp(email: str) -> NewTotp:
    """Return a new secret; nothing is stored until a code of it was entered."""
    secret = pyotp.random_base32()
    return NewTotp(secret, totp_uri(secret, email))


def totp_uri(secret: str, email: str) -> str:
    """Return the `otpauth` address of a secret."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)


def add_totp(change: Change, secret_box: SecretBox, sealed: str, name: str, code: str) -> OperatorFactor:
    """Add an authenticator app whose sealed secret made the code. Raises Invalid."""
    try:
        secret = secret_box.open(sealed)
    except DecryptionError:
        raise Invalid(message="This form has expired. Begin again.") from None
    step = matching_step(secret, code, change.wall_time, after=-1)
    if step is None:
        raise Invalid(message=WRONG_CODE, errors=[FieldError("code", WRONG_CODE)])
    factor = OperatorFactor(
        id=new_id(),
        operator_id=change.operator.id,
        kind=FactorKind.TOTP.value,
        name=clean_name(name, "Authenticator app"),
        secret_sealed=sealed,
        last_step=step,
        created_at=change.wall_time,
    )
    change.session.add(factor)
    change.session.flush()
    change.record("add_factor", kind=factor.kind, name=factor.name)
    return factor


def matching_step(secret: str, code: str, wall_time: datetime, *, after: int) -> int | None:
    """Return the 30-second step whose code this is, at most one step off and later than `after`; None if none is."""
    typed = "".join(code.split())
    if not (typed.isascii() and typed.isdigit()):
        return None
    totp, current = pyotp.TOTP(secret), int(wall_time.timestamp()) // STEP_SECONDS
    for step in range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1):
        if step > after and hmac.compare_digest(totp.at(step * STEP_SECONDS), typed):
            return step
    return None


def verify_code(session: Session, secret_box: SecretBox, operator: Operator, code: str, wall_time: datetime) -> bool:
    """Return whether it is an authenticator app's code or a recovery code, and was not used before."""
    database.lock_names(session, f"factors:{operator.id}")
    for factor in list_factors(session, operator.id):
        if factor.kind != FactorKind.TOTP or factor.secret_sealed is None:
            continue
        session.refresh(factor)
        last = -1 if factor.last_step is None else factor.last_step
        step = matching_step(secret_box.open(factor.secret_sealed), code, wall_time, after=last)
        if step is not None:
            factor.last_step, factor.used_at = step, wall_time
            return True
    return _use_recovery_code(session, operator.id, code, wall_time)


def list_factors(session: Session, operator_id: UUID) -> Sequence[OperatorFactor]:
    """Return an operator's factors, oldest first."""
    return queries.factors_of(session, operator_id)


def new_recovery_codes(change: Change) -> list[str]:
    """Replace all recovery codes; they are shown only once."""
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    queries.delete_recovery_codes(change.session, change.operator.id)
    change.session.add_all(
        RecoveryCode(operator_id=change.operator.id, code_hash=_hash(code), created_at=change.wall_time)
        for code in codes
    )
    change.session.flush()
    change.record("recovery_codes")
    return codes


def first_recovery_codes(change: Change) -> list[str]:
    """Return new recovery codes unless there are some."""
    return [] if queries.recovery_codes_left(change.session, change.operator.id) else new_recovery_codes(change)


def remove(change: Change, factor_id: UUID) -> None:
    """Remove a factor; with the last one the recovery codes go too. Raises NotFound."""
    factor = change.session.get(OperatorFactor, factor_id)
    if factor is None or factor.operator_id != change.operator.id:
        raise NotFound(message="There is no such factor.")
    change.session.delete(factor)
    change.session.flush()
    change.record("remove_factor", kind=factor.kind, name=factor.name)
    if not list_factors(change.session, change.operator.id):
        queries.delete_recovery_codes(change.session, change.operator.id)


def clean_name(name: str, default: str) -> str:
    """Return a name of at most 60 characters."""
    return " ".join(name.split())[:NAME_LIMIT] or default


def _use_recovery_code(session: Session, operator_id: UUID, code: str, wall_time: datetime) -> bool:
    row = session.get(RecoveryCode, (operator_id, _hash(code)), populate_existing=True)
    if row is None or row.used_at is not None:
        return False
    row.used_at = wall_time
    return True


def _recovery_code() -> str:
    """Return 80 random bits as `abcd-efgh-ijkl-mnop`."""
    text = base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower()
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def _hash(code: str) -> str:
    typed = "".join(char for char in code.lower() if char.isalnum())
    return sha256(typed.encode("utf-8", "replace")).hexdigest()
