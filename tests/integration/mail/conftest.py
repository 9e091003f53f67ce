"""A receiver for one test."""

from collections.abc import Iterator

import pytest

from tests.integration.mail.smtp_receiver import Receiver, Server


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def controller(receiver: Receiver) -> Iterator[Server]:
    running = Server(receiver, hostname="127.0.0.1", port=0, enable_SMTPUTF8=True)
    running.start()
    yield running
    running.stop()
