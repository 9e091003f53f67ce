"""URLs that lead into the provider's network, and a name server that never answers."""

import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import httpx

from tests.attack.attempts import Attempts
from tests.attack.target import AttackTarget
from tests.attack.tenants import Tenant, create_tenant

FORBIDDEN: Final = (
    "https://127.0.0.1/", "https://127.1/", "https://127.0.1/", "https://2130706433/", "https://0x7f000001/",
    "https://0x7f.0.0.1/", "https://017700000001/", "https://0177.0.0.1/", "https://127.0.0.1.:443/", "https://0/",
    "https://0.0.0.0/", "https://localhost/", "https://localhost./", "https://LOCALHOST/", "https://[::1]/",
    "https://[::]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[0:0:0:0:0:0:0:1]/",
    "https://[64:ff9b::7f00:1]/", "https://[64:ff9b::10.0.0.1]/", "https://[2002:7f00:1::]/", "https://[2002:a00:1::]/",
    "https://[2001:0:4136:e378:8000:63bf:80ff:fffe]/", "https://[fc00::1]/", "https://[fd12:3456::1]/",
    "https://[fe80::1]/", "https://[fe80::1%25eth0]/", "https://[ff02::1]/", "https://[::127.0.0.1]/",
    "https://10.0.0.1/", "https://10.1/", "https://172.16.0.1/", "https://172.31.255.255/", "https://192.168.0.1/",
    "https://100.64.0.1/", "https://169.254.169.254/latest/meta-data/", "https://[fd00:ec2::254]/",
    "https://192.0.2.1/", "https://198.18.0.1/", "https://198.51.100.1/", "https://203.0.113.1/", "https://224.0.0.1/",
    "https://240.0.0.1/", "https://255.255.255.255/", "https://192.88.99.1/", "https://[2001:db8::1]/",
    "http://93.184.215.14/", "https://93.184.215.14:22/", "https://93.184.215.14:25/", "ftp://93.184.215.14/",
    "file:///etc/passwd", "gopher://127.0.0.1/", "javascript:alert(1)", "data:text/html,x", "//127.0.0.1/",
    "https://user:pass@93.184.215.14/", "https://93.184.215.14@127.0.0.1/", "https://127.0.0.1\\@93.184.215.14/",
    "https://127.0.0.1#@93.184.215.14/", "https://127.0.0.1%2f@93.184.215.14/", "https:///127.0.0.1/",
    "https://\uff11\uff12\uff17.0.0.1/", "https://127\u30020\u30020\u30021/", "https://\u2460\u2461\u2466.0.0.1/",
    "https://127.0.0.1%00.evil.example/", "https://evil.example\r\nHost: x/", "https:// 127.0.0.1/", "https://",
    "https://-/", "https://[::1", f"https://{'a' * 300}.example/",
)  # fmt: skip
CALLERS: Final = 24
SECONDS: Final = 6.0
BOUND_SECONDS: Final = 0.25
TIMES_SLOWER: Final = 5.0
QUIET_CALLS: Final = 60


def forbidden_addresses(target: AttackTarget, attempts: Attempts) -> None:
    """Name addresses of the provider's network as an instance and as a webhook endpoint, in 70 forms."""
    tenant = create_tenant(target, "prober", furnished=False)
    with httpx.Client(base_url=target.strict_url, timeout=30, trust_env=False, verify=False) as http:
        headers = {"Authorization": f"Bearer {tenant.key}"}
        for url in FORBIDDEN[:: 3 if target.short else 1]:
            path = f"/v1/accounts/{tenant.client}/instance"
            attempts.status(f"instance {url!r}", http.put(path, json={"url": url}, headers=headers), 422)
            body = {"url": url, "events": ["*"]}
            answer = http.post("/v1/webhook-endpoints", json=body, headers=headers)
            attempts.status(f"endpoint {url!r}", answer, 422)
            brand = {"name": "Prober", "logo_url": url}
            if not url.startswith(("https://93", "http://93")):
                _picture(attempts, http.put(f"/v1/accounts/{tenant.client}/brand", json=brand, headers=headers), url)


def _picture(attempts: Attempts, answer: httpx.Response, url: str) -> None:
    """A name that no name server knows is accepted and fails when it is fetched; everything else is refused."""
    attempts.refused(f"logo {url!r}", answer)


def silent_name_server(target: AttackTarget, attempts: Attempts) -> None:
    """Keep 24 requests waiting for a name server that never answers, and measure what the others wait."""
    thief, other = create_tenant(target, "waiter", furnished=False), create_tenant(target, "bystander", furnished=False)
    with httpx.Client(base_url=target.strict_url, timeout=30, trust_env=False, verify=False) as http:
        quiet = _percentile(http, other)
        ended, begun = threading.Event(), threading.Semaphore(0)
        with ThreadPoolExecutor(CALLERS) as pool:
            for number in range(CALLERS):
                pool.submit(_hold, target.strict_url, thief, number, ended, begun)
            for _ in range(CALLERS):
                begun.acquire()
            began, during = time.monotonic(), []
            while time.monotonic() - began < (SECONDS / 3 if target.short else SECONDS):
                during.append(_percentile(http, other, QUIET_CALLS // 3))
            ended.set()
    bound = max(BOUND_SECONDS, TIMES_SLOWER * quiet)
    middle = statistics.median(during)
    attempts.held("others' p99 during the attack", middle <= bound, f"{middle:.3f} s, {quiet:.3f} s before it")


def _hold(url: str, tenant: Tenant, number: int, ended: threading.Event, begun: threading.Semaphore) -> None:
    """Name an instance by a host that nobody resolves, again and again; say when the first call is made."""
    headers = {"Authorization": f"Bearer {tenant.key}"}
    with httpx.Client(base_url=url, timeout=60, trust_env=False, verify=False) as http:
        turn = 0
        begun.release()
        while not ended.is_set():
            turn += 1
            body = {"url": f"https://silent{number}-{turn}.never.test/"}
            http.put(f"/v1/accounts/{tenant.client}/instance", json=body, headers=headers)


def _percentile(http: httpx.Client, tenant: Tenant, calls: int = QUIET_CALLS) -> float:
    """Return the time that 99 of 100 calls stay under, s."""
    headers = {"Authorization": f"Bearer {tenant.key}"}
    times = []
    for _ in range(calls):
        began = time.monotonic()
        http.get(f"/v1/accounts/{tenant.client}", headers=headers)
        times.append(time.monotonic() - began)
    return sorted(times)[int(len(times) * 0.99) - 1]
