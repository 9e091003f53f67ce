"""An HTTP/1.1 client for load: keep-alive connections, closed loop or a fixed rate. Prints one JSON document.

`python -m bench.load_client PORT KEY CONNECTIONS SECONDS [RATE]`; latencies in ms. At a fixed rate a request's
latency counts from the instant it was due, so that a stalled server is not spared.
"""

import asyncio
import json
import random
import sys
import time
from dataclasses import dataclass, field

import uvloop

BODY = json.dumps({"task": "probe.echo", "args": {"message": "bench"}}).encode()


@dataclass(slots=True)
class Load:
    """The requests and their results."""

    port: int
    request: bytes
    until: float
    latencies: list[float] = field(default_factory=list)
    refused: int = 0


def request(key: str) -> bytes:
    """The bytes of one POST /v1/jobs."""
    head = (
        "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {key}\r\nContent-Length: {len(BODY)}\r\n\r\n"
    )
    return head.encode() + BODY


async def exchange(load: Load, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One request and its whole answer."""
    writer.write(load.request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
    await reader.readexactly(length)
    if not head.startswith(b"http/1.1 202"):
        load.refused += 1


async def closed(load: Load) -> None:
    """The next request when the last one was answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", load.port)
    while (began := time.monotonic()) < load.until:
        await exchange(load, reader, writer)
        load.latencies.append((time.monotonic() - began) * 1_000)
    writer.close()


async def scheduled(load: Load, due: "asyncio.Queue[float | None]") -> None:
    """Requests as they fall due."""
    reader, writer = await asyncio.open_connection("127.0.0.1", load.port)
    while (at := await due.get()) is not None:
        await exchange(load, reader, writer)
        load.latencies.append((time.monotonic() - at) * 1_000)
    writer.close()


async def arrive(load: Load, due: "asyncio.Queue[float | None]", rate: float, connections: int) -> None:
    """Put instants into the queue as a Poisson process."""
    chance, at = random.Random(1), time.monotonic()
    while at < load.until:
        at += chance.expovariate(rate)
        await asyncio.sleep(max(0.0, at - time.monotonic()))
        due.put_nowait(at)
    for _ in range(connections):
        due.put_nowait(None)


async def main(port: int, key: str, connections: int, seconds: float, rate: float = 0.0) -> None:
    """Load the server and print the result."""
    load = Load(port, request(key), time.monotonic() + seconds)
    if rate:
        due: asyncio.Queue[float | None] = asyncio.Queue()
        senders = [scheduled(load, due) for _ in range(connections)]
        await asyncio.gather(arrive(load, due, rate, connections), *senders)
    else:
        await asyncio.gather(*(closed(load) for _ in range(connections)))
    print(json.dumps({"rate": len(load.latencies) / seconds, "latencies": load.latencies, "refused": load.refused}))


if __name__ == "__main__":
    port, key, connections, seconds, *rate = sys.argv[1:]
    uvloop.run(main(int(port), key, int(connections), float(seconds), *map(float, rate)))
