"""The duty of the leading scheduler to seal the audit log every few seconds, and to log the chain's head every day."""

import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from kontor.evidence import chain
from kontor.evidence.chain import BrokenHead
from kontor.evidence.digests import key_of
from kontor.kernel.ports import Clock

EVERY_SECONDS = 3.0

log = structlog.get_logger(__name__)


class Sealer:
    """Seals committed rows; writers never wait for it, because it locks nothing of theirs."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._due_at = 0.0

    def run_due(self) -> int:
        """Seal when three seconds have passed; return how many rows. A broken head is logged, and nothing is sealed."""
        now = self._clock.monotonic()
        if now < self._due_at:
            return 0
        self._due_at = now + EVERY_SECONDS
        try:
            with Session(self._engine) as session, session.begin():
                return self._run(session)
        except BrokenHead as error:
            log.error("audit.not_sealed", error=str(error), remedy="kontor audit verify")
            return 0

    def _run(self, session: Session) -> int:
        key, now = key_of(session), self._clock.wall_time()
        if key is None:
            return 0
        sealed = chain.seal(session, key, now) if chain.has_waiting(session, now) else 0
        if sealed == chain.BATCH:
            self._due_at = 0.0
        head = chain.take_daily_head(session, now.date())
        if head is not None:
            log.info("audit.head", number=head.number, row=head.seq, hash=head.hash, day=now.date().isoformat())
        return sealed
