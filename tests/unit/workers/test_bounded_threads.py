"""Sign-ins have threads of their own, and a queue that ends."""

import threading

import pytest

from kontor.kernel.errors import TooManyAttempts
from workers.connections import BoundedThreads


def test_call_is_refused_at_once_when_the_queue_is_full() -> None:
    go = threading.Event()
    threads = BoundedThreads(1, 2)
    running = [threads.submit(go.wait, 20) for _ in range(3)]
    with pytest.raises(TooManyAttempts):
        threads.submit(go.wait, 20)
    go.set()
    assert all(future.result(20) for future in running)
    assert threads.submit(lambda: 1).result(20) == 1
    threads.shutdown()


def test_failed_call_leaves_its_place_in_the_queue() -> None:
    threads = BoundedThreads(1, 0)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            threads.submit(lambda: 1 // 0).result(20)
    threads.shutdown()
