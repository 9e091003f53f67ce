"""Calls through the proxy while a release is replaced; run inside the fresh Debian, which has no package but Python's.

Usage: production_load.py KEY FOLDER. Calls until FOLDER/stop exists, then writes FOLDER/load.json.
"""

import json
import ssl
import sys
import time
import urllib.request
from pathlib import Path

UNVERIFIED = ssl.create_default_context()
UNVERIFIED.check_hostname = False
UNVERIFIED.verify_mode = ssl.CERT_NONE


def call(key: str, path: str, body: dict[str, object] | None = None) -> dict[str, object]:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"https://kontor.example{path}", data, headers)
    with urllib.request.urlopen(request, timeout=60, context=UNVERIFIED) as answer:
        return dict(json.load(answer))


def main(key: str, folder: Path) -> None:
    calls, failures, slowest, echoed = 0, list[str](), 0.0, 0
    while not (folder / "stop").exists():
        begun = time.monotonic()
        calls += 1
        try:
            if calls % 2:
                call(key, "/v1/accounts?limit=1")
            else:
                job = call(key, "/v1/jobs?wait=50", {"task": "probe.echo", "args": {"message": str(calls)}})
                echoed += job.get("result") == {"message": str(calls)}
        except OSError as error:
            failures.append(f"{calls}: {error}")
        slowest = max(slowest, time.monotonic() - begun)
        time.sleep(0.05)
    report = {"calls": calls, "failures": failures, "slowest": round(slowest, 2), "echoed": echoed}
    (folder / "load.json").write_text(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
