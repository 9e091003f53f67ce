"""The connectors of billing systems, by the calls those systems make, repeated and killed in the middle."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kontor_client import Job, Kontor, Permanent, Worker
from tests.acceptance.clients.conftest import VERBS, RunningKontor
from tests.support.polling import wait_for
from workers.migrations import ROOT

pytestmark = pytest.mark.timeout(300)  # the first test of a run starts Kontor
CONNECTORS = ROOT / "examples" / "connectors"
PHP = "require $argv[1]; echo $argv[2](json_decode($argv[3], true));"
PRODUCT = {"product": "server", "period": 1, "params": {"region": "eu"}}
NAMES = {
    "open": "CreateAccount",
    "suspend": "SuspendAccount",
    "resume": "UnsuspendAccount",
    "prolong": "Renew",
    "setparam": "ChangePackage",
    "close": "TerminateAccount",
}


@dataclass
class BillingSystem:
    """A billing system with a reseller's key, that calls its module as a process."""

    name: str
    kontor: RunningKontor
    reseller: str
    key: str
    item: str

    def start(self, command: str, **order: Any) -> "subprocess.Popen[str]":
        """Start a command; its input is written."""
        order = {"item": self.item, **PRODUCT, **order}
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            self._argv(command, order), env=self._environ(), stdin=pipe, stdout=pipe, stderr=pipe, text=True
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps(order))
        process.stdin.close()
        process.stdin = None
        return process

    def _argv(self, command: str, order: dict[str, Any]) -> list[str]:
        if self.name == "billmanager":
            script = str(CONNECTORS / "billmanager" / "kontor.py")
            return [script, "--command", command, "--item", self.item]
        params = {
            "serviceid": int(self.item),
            "configoption1": order["product"],
            "configoption2": "P1M",
            "configoptions": order["params"],
        }
        php = shutil.which("php")
        assert php is not None
        return [
            php,
            "-r",
            PHP,
            "--",
            str(CONNECTORS / "whmcs" / "kontor.php"),
            f"kontor_{NAMES[command]}",
            json.dumps(params),
        ]

    def _environ(self) -> dict[str, str]:
        ours = {"KONTOR_URL": self.kontor.url, "KONTOR_KEY": self.key, "KONTOR_RESELLER": self.reseller}
        return {**os.environ, **ours, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

    def ended(self, process: "subprocess.Popen[str]") -> str:
        """Wait for a command; return why it was not done, "" when it was."""
        output, errors = process.communicate(timeout=60)
        if self.name == "whmcs":
            assert (process.returncode, errors) == (0, "")
            return "" if output == "success" else output
        assert process.returncode in (0, 1), errors
        assert bool(errors) == bool(process.returncode)
        return errors

    def run(self, command: str, **order: Any) -> str:
        """Run a command; return why it was not done, "" when it was."""
        return self.ended(self.start(command, **order))

    def services(self) -> list[dict[str, Any]]:
        """Return the services of the item."""
        query = f"reseller={self.reseller}&external_id={self.item}"
        items: list[dict[str, Any]] = self.kontor.api.ok("GET", f"/v1/services?{query}")["items"]
        return items

    def service(self) -> dict[str, Any]:
        """Return the service of the item."""
        (service,) = self.services()
        return service

    def balance(self) -> str:
        """Return the reseller's balance."""
        return str(self.kontor.api.ok("GET", f"/v1/resellers/{self.reseller}/account-book")["balance"]["amount"])


@pytest.fixture(params=["billmanager", "whmcs"])
def billing(request: pytest.FixtureRequest, kontor: RunningKontor) -> BillingSystem:
    """A billing system of its own reseller."""
    if request.param == "whmcs" and shutil.which("php") is None:
        pytest.skip("no php on this machine (Debian: apt-get install php-cli)")
    reseller = kontor.reseller("200.00")
    key = kontor.key("read", "enqueue", reseller_id=reseller)
    return BillingSystem(request.param, kontor, reseller, key, "4711")


Handle = Callable[[Job], Any]


@pytest.fixture
def handler(kontor: RunningKontor) -> Iterator[Callable[[Handle], None]]:
    """Start a worker that makes services as a test says."""
    running: list[tuple[Worker, threading.Thread]] = []
    with Kontor(kontor.url, kontor.api.key) as client:

        def start(handle: Handle) -> None:
            worker = Worker(client, {f"srv.{verb}": handle for verb in VERBS}, wait=0.5, grace=5)
            thread = threading.Thread(target=worker.run)
            thread.start()
            running.append((worker, thread))

        yield start
        for worker, thread in running:
            worker.stop()
            thread.join(20)


def test_service_lives_as_its_billing_system_says_when_every_call_comes_twice(
    billing: BillingSystem, handler: Callable[[Handle], None]
) -> None:
    handler(lambda job: {"host": "a.example", "region": job.args["config"].get("region")})
    states = []
    for command in ("open", "suspend", "resume", "setparam", "close"):
        order = {"params": {"region": "us"}} if command == "setparam" else {}
        assert [billing.run(command, **order), billing.run(command, **order)] == ["", ""]
        states.append(billing.service()["state"])
        if command == "resume":
            first = billing.service()["paid_until"]
            assert billing.run("prolong") == ""
            assert (billing.service()["paid_until"] > first, billing.balance()) == (True, "146.00")
            assert billing.service()["metadata"] == {}
    assert states == ["active", "suspended", "active", "active", "ended"]
    service = billing.service()
    assert (service["result"], service["config"]) == ({"host": "a.example", "region": "eu"}, {"region": "us"})
    orders = billing.kontor.api.ok("GET", f"/v1/resellers/{billing.reseller}/orders")["items"]
    assert ([each["kind"] for each in orders], billing.balance()) == (["renewal", "new"], "146.00")


def test_one_service_is_made_when_the_call_was_killed_in_the_middle(
    billing: BillingSystem, handler: Callable[[Handle], None]
) -> None:
    killed = billing.start("open")
    wait_for(lambda: bool(billing.services()), "the order", 30)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    both = [billing.start("open"), billing.start("open")]
    handler(lambda job: None)
    assert [billing.ended(each) for each in both] == ["", ""]
    assert (billing.service()["state"], billing.balance()) == ("active", "173.00")


def test_one_renewal_is_paid_when_the_call_was_killed_before_its_answer(
    billing: BillingSystem, handler: Callable[[Handle], None]
) -> None:
    handler(lambda job: None)
    assert billing.run("open") == ""
    service, api = billing.service(), billing.kontor.api
    note = {"billmanager": "billmanager_prolong", "whmcs": "whmcs_renew"}[billing.name]
    reference = "the call that was killed"
    path = f"/v1/services/{service['id']}"
    api.ok("PATCH", path, {"metadata": {note: reference}}, key=billing.key)
    api.ok("POST", f"{path}/renew", {"order_ref": reference}, key=billing.key)
    assert (billing.run("prolong"), billing.balance()) == ("", "146.00")
    assert (billing.run("prolong"), billing.balance()) == ("", "119.00")


def test_reason_is_returned_when_it_fails_and_the_next_call_tries_again(
    billing: BillingSystem, handler: Callable[[Handle], None]
) -> None:
    broken = threading.Event()
    broken.set()

    def handle(job: Job) -> None:
        if broken.is_set():
            raise Permanent("no room in the rack")

    handler(handle)
    assert "create failed" in billing.run("open")  # a reseller sees that it failed, the provider why
    assert (billing.service()["state"], billing.balance()) == ("failed", "200.00")
    broken.clear()
    assert (billing.run("open"), billing.balance()) == ("", "173.00")
    assert "unknown_product" in billing_of_another_item(billing).run("open", product="nothing")
    assert "no service" in billing_of_another_item(billing).run("suspend")
    assert billing_of_another_item(billing).run("close") == ""


def billing_of_another_item(billing: BillingSystem) -> BillingSystem:
    """Return the billing system with an item that it has not sold yet."""
    return BillingSystem(billing.name, billing.kontor, billing.reseller, billing.key, "4712")


def test_billmanager_is_answered_its_features() -> None:
    script = CONNECTORS / "billmanager" / "kontor.py"
    done = subprocess.run([script, "--command", "features"], capture_output=True, text=True, check=True)
    assert all(f'name="{command}"' in done.stdout for command in NAMES)
    wrong = subprocess.run([script, "--command", "reboot"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
