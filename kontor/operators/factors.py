"""The second factors of operators, as rows of their own tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from kontor.http.passkeys import PasskeyUser
from kontor.operators import queries
from models.factors import FactorKind
from models.people import Operator, OperatorFactor, RecoveryCode

ISSUER: Final = "Kontor"


@dataclass(frozen=True, slots=True)
class OperatorFactors:
    """The factors and recovery codes of one operator; a FactorStore."""

    session: Session
    operator: Operator

    @property
    def holder(self) -> str:
        """The operator's name for locks."""
        return str(self.operator.id)

    @property
    def area(self) -> str:
        """The first part of actions in the audit log."""
        return "operator"

    @property
    def target(self) -> str:
        """The operator in the audit log."""
        return self.operator.email

    @property
    def user(self) -> PasskeyUser:
        """What a new passkey remembers."""
        return PasskeyUser(self.operator.id.bytes, self.operator.email, ISSUER)

    def factors(self) -> Sequence[OperatorFactor]:
        """Return the factors, oldest first."""
        return queries.factors_of(self.session, self.operator.id)

    def passkeys(self, host: str) -> Sequence[OperatorFactor]:
        """Return the passkeys, all of the console's host."""
        return [factor for factor in self.factors() if factor.kind == FactorKind.PASSKEY]

    def new_factor(self, host: str | None = None) -> OperatorFactor:
        """Return a factor that is not stored yet."""
        return OperatorFactor(operator_id=self.operator.id)

    def new_recovery_code(self) -> RecoveryCode:
        """Return a recovery code that is not stored yet."""
        return RecoveryCode(operator_id=self.operator.id)

    def recovery_code(self, code_hash: str) -> RecoveryCode | None:
        """Return a recovery code, read again."""
        return self.session.get(RecoveryCode, (self.operator.id, code_hash), populate_existing=True)

    def recovery_codes_left(self) -> int:
        """Return how many recovery codes have not been used."""
        return queries.recovery_codes_left(self.session, self.operator.id)

    def delete_recovery_codes(self) -> None:
        """Delete all recovery codes."""
        queries.delete_recovery_codes(self.session, self.operator.id)
