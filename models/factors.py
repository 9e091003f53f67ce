"""What second factors of operators and of the portal's people have in common."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column


class FactorKind(StrEnum):
    """A kind of second factor."""

    TOTP = "totp"
    PASSKEY = "passkey"


class FactorColumns:
    """A second factor: the sealed secret of an authenticator app with its last used step, or a passkey's public key.

    Times are real time.
    """

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    secret_sealed: Mapped[str | None]
    last_step: Mapped[int | None] = mapped_column(BigInteger)
    credential_id: Mapped[str | None]
    public_key: Mapped[str | None]
    sign_count: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class RecoveryColumns:
    """A code that stands in for a second factor once; only its hash is stored. Times are real time."""

    code_hash: Mapped[str] = mapped_column(primary_key=True)
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
