"""What `bench.request_layer` sends is what the product takes; how long that takes is for the bench."""

import asyncio

from bench.request_layer import call
from tests.support.api import Api
from tests.support.api_fixtures import api, clock, deps

__all__ = ["api", "clock", "deps"]


def test_request_of_the_bench_is_accepted(api: Api) -> None:
    assert asyncio.run(call(api.app, api.key("enqueue"))) == 202
