"""The dependencies of handlers, built once where a worker starts."""

from collections.abc import Callable
from dataclasses import dataclass

from kontor.context import Context
from kontor.kernel.ports import CallSender, Clock, HttpReader, MailTransport, SecretBox, TxtResolver
from kontor.mailer.build import MailBuilder
from kontor.mails.dispatch import Dispatcher
from kontor.programme.service import Programmes

Sleep = Callable[[float], None]
"""Sleeps for a number of seconds of wall time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlerDeps:
    """Dependencies of handlers; `secret_box` holds the same secret as the API's.

    `handler_sender` calls handlers of declared tasks, which may have addresses that nothing else may have.
    `webhook_sender` calls webhook endpoints, by default as `sender` calls instances.
    """

    sleep: Sleep
    ctx: Context
    sender: CallSender
    secret_box: SecretBox
    clock: Clock
    dispatcher: Dispatcher
    builder: MailBuilder
    transport: MailTransport
    txt: TxtResolver
    reader: HttpReader
    handler_sender: CallSender | None = None
    webhook_sender: CallSender | None = None

    @property
    def programmes(self) -> Programmes:
        """The applied programmes."""
        return self.ctx.programmes
