"""An in-memory mail transport for tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

from domain.mailing import MailDeferred, MailRefused


@dataclass(frozen=True, slots=True)
class SentMail:
    """One delivery."""

    envelope_from: str
    recipient: str
    raw: bytes


class FakeMailTransport:
    """A MailTransport in memory. `answers` maps recipients to the error raised for them."""

    def __init__(self, answers: Mapping[str, MailRefused | MailDeferred] | None = None) -> None:
        self.answers = dict(answers or {})
        self._lock = Lock()
        self._sent: list[SentMail] = []
        self._closed = False

    @property
    def sent(self) -> tuple[SentMail, ...]:
        """The delivered mails, oldest first."""
        with self._lock:
            return tuple(self._sent)

    def send(self, envelope_from: str, recipient: str, raw: bytes) -> None:
        """Keep the message, or raise the recipient's error of `answers`."""
        if self._closed:
            raise MailDeferred("the mail transport is closed")
        answer = self.answers.get(recipient)
        if answer is not None:
            raise answer
        with self._lock:
            self._sent.append(SentMail(envelope_from, recipient, raw))

    def close(self) -> None:
        """Refuse further sends."""
        self._closed = True
