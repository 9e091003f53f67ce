"""A pull worker that goes on whatever happens to Kontor; a process of its own, to be killed."""

import os
import time
from pathlib import Path

import httpx

from workers.supervisor import detach_from_parent, die_with_parent

PAUSE = 0.2


def pull_forever(url: str, key: str, name: str, log: Path) -> None:
    """Lease jobs of metal, and complete them."""
    die_with_parent(os.getppid())
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    detach_from_parent()
    asked = {"tasks": ["metal.*"], "max": 1, "wait": 5, "worker": name}
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False, verify=False) as http:
        while True:
            try:
                answer = http.post("/v1/leases", json=asked)
                for item in answer.json()["items"] if answer.is_success else ():
                    done = {"result": {"host": item["job"]["args"]["service_id"]}}
                    http.post(f"/v1/leases/{item['lease']}/complete", json=done)
            except httpx.TransportError:
                time.sleep(PAUSE)
            else:
                if not answer.is_success:
                    time.sleep(PAUSE)
