"""Second factors of console and portal: authenticator apps (TOTP, RFC 6238), recovery codes. Times are real time."""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final, Protocol
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
from models.factors import FactorColumns, FactorKind, RecoveryColumns

STEP_SECONDS: Final = 30
DRIFT_STEPS: Final = 1
RECOVERY_CODES: Final = 10
RECOVERY_BYTES: Final = 10
NAME_LIMIT: Final = 60
WRONG_CODE: Final = "This code is not right. Check the clock of your device, and enter the code that it shows now."


class FactorStore(Protocol):
    """The factors and recovery codes of one holder.

    `holder` names it for locks, `area` and `target` for the audit log.
    """

    @property
    def session(self) -> Session:
        """The transaction."""

    @property
    def holder(self) -> str:
        """The holder's name, unique among all."""

    @property
    def area(self) -> str:
        """The first part of its actions in the audit log."""

    @property
    def target(self) -> str:
        """The holder in the audit log."""

    def factors(self) -> Sequence[FactorColumns]:
        """Return the factors, oldest first."""

    def passkeys(self, host: str) -> Sequence[FactorColumns]:
        """Return the passkeys that belong to a host, oldest first."""

    def new_factor(self, host: str | None = None) -> FactorColumns:
        """Return a factor that is not stored yet."""

    def new_recovery_code(self) -> RecoveryColumns:
        """Return a recovery code that is not stored yet."""

    def recovery_code(self, code_hash: str) -> RecoveryColumns | None:
        """Return a recovery code, read again."""

    def recovery_codes_left(self) -> int:
        """Return how many recovery codes have not been used."""

    def delete_recovery_codes(self) -> None:
        """Delete all recovery codes."""


@dataclass(frozen=True, slots=True)
class FactorChange:
    """Whose factors change, and who changes them; `now` is programme time, for the audit log."""

    store: FactorStore
    actor: Actor
    now: datetime
    wall_time: datetime

    def record(self, action: str, **detail: str) -> None:
        """Leave the change in the audit log."""
        store = self.store
        audit.record(
            store.session, self.actor, f"{store.area}.{action}", store.target, at=self.now, detail=detail
        )  # fmt: skip

    def add(self, factor: FactorColumns, kind: FactorKind, name: str) -> None:
        """Store a new factor."""
        factor.id, factor.kind, factor.name, factor.created_at = new_id(), kind.value, name, self.wall_time
        self.store.session.add(factor)
        self.store.session.flush()
        self.record("add_factor", kind=factor.kind, name=factor.name)


@dataclass(frozen=True, slots=True)
class NewTotp:
    """The secret of an authenticator app that is being set up, and its address for a QR code."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)

    @classmethod
    def of(cls, secret: str, name: str, issuer: str) -> NewTotp:
        """Return a secret with its `otpauth` address; `name` and `issuer` are what the app shows."""
        return cls(secret, pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=issuer))

    @property
    def spaced(self) -> str:
        """The secret in groups of four, to be typed."""
        return " ".join(self.secret[at : at + 4] for at in range(0, len(self.secret), 4))


def new_totp(name: str, issuer: str) -> NewTotp:
    """Return a new secret; nothing is stored until a code of it was entered."""
    return NewTotp.of(pyotp.random_base32(), name, issuer)


def add_totp(change: FactorChange, secret_box: SecretBox, sealed: str, name: str, code: str) -> FactorColumns:
    """Add an authenticator app whose sealed secret made the code. Raises Invalid."""
    try:
        secret = secret_box.open(sealed)
    except DecryptionError:
        raise Invalid(message="This form has expired. Begin again.") from None
    step = matching_step(secret, code, change.wall_time, after=-1)
    if step is None:
        raise Invalid(message=WRONG_CODE, errors=[FieldError("code", WRONG_CODE)])
    factor = change.store.new_factor()
    factor.secret_sealed, factor.last_step = sealed, step
    change.add(factor, FactorKind.TOTP, clean_name(name, "Authenticator app"))
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


def verify_code(store: FactorStore, secret_box: SecretBox, code: str, wall_time: datetime) -> bool:
    """Return whether it is an authenticator app's code or a recovery code, and was not used before."""
    database.lock_names(store.session, f"factors:{store.holder}")
    for factor in store.factors():
        if factor.kind != FactorKind.TOTP or factor.secret_sealed is None:
            continue
        store.session.refresh(factor)
        last = -1 if factor.last_step is None else factor.last_step
        step = matching_step(secret_box.open(factor.secret_sealed), code, wall_time, after=last)
        if step is not None:
            factor.last_step, factor.used_at = step, wall_time
            return True
    return _use_recovery_code(store, code, wall_time)


def has_totp(store: FactorStore) -> bool:
    """Return whether an authenticator app is among the factors."""
    return any(factor.kind == FactorKind.TOTP for factor in store.factors())


def new_recovery_codes(change: FactorChange) -> list[str]:
    """Replace all recovery codes; they are shown only once."""
    codes, store = [_recovery_code() for _ in range(RECOVERY_CODES)], change.store
    store.delete_recovery_codes()
    for code in codes:
        row = store.new_recovery_code()
        row.code_hash, row.created_at = _hash(code), change.wall_time
        store.session.add(row)
    store.session.flush()
    change.record("recovery_codes")
    return codes


def first_recovery_codes(change: FactorChange) -> list[str]:
    """Return new recovery codes unless there are some."""
    return [] if change.store.recovery_codes_left() else new_recovery_codes(change)


def remove(change: FactorChange, factor_id: UUID) -> None:
    """Remove a factor; with the last one the recovery codes go too. Raises NotFound."""
    store = change.store
    factor = next((each for each in store.factors() if each.id == factor_id), None)
    if factor is None:
        raise NotFound(message="There is no such factor.")
    store.session.delete(factor)
    store.session.flush()
    change.record("remove_factor", kind=factor.kind, name=factor.name)
    if not store.factors():
        store.delete_recovery_codes()


def clean_name(name: str, default: str) -> str:
    """Return a name of at most 60 characters."""
    return " ".join(name.split())[:NAME_LIMIT] or default


def _use_recovery_code(store: FactorStore, code: str, wall_time: datetime) -> bool:
    row = store.recovery_code(_hash(code))
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
