"""Files with many resellers: rows name them by `external_id`; those that name nobody wait to be assigned."""

import json
from subprocess import CompletedProcess
from typing import Any
from uuid import UUID

import pytest

from tests.support.discounts import DiscountScenario, Import, roubles

HEADER = "Verwendungszweck;Betrag;Buchung;Nr\n"
MAPPING = "columns: {paid_at: Buchung, amount: Betrag, reference: Nr}\ndate: d.M.yyyy\ndecimal: ','\n"
WAITING = """
INSERT INTO unmatched_payments
    (id, programme, row_key, file, line, reference, kind, amount, currency, paid_at, note, created_at)
VALUES (gen_random_uuid(), 'hosting', 'row:0:1', 'bank.csv', 2, 'D', 'payment', 5, 'RUB', :at, '', :at) RETURNING id
"""
MATCH = ("--programme", "hosting", "--match", r"R-\d+", "--json")


@pytest.fixture
def resellers(world: DiscountScenario) -> tuple[str, str]:
    """Two resellers of `hosting` with the external ids R-1 and R-17."""
    ids = world.reseller("Volga"), world.reseller("Neva")
    for reseller, external_id in zip(ids, ("R-1", "r-17"), strict=True):
        world.api.ok(f"PATCH /v1/accounts/{reseller}", {"external_id": external_id}, key=world.key)
    return ids


@pytest.fixture
def mapping(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A mapping file for the files of this module."""
    path = tmp_path_factory.mktemp("mapping") / "house-bank.yaml"
    path.write_text(MAPPING)
    return str(path)


def document(done: "CompletedProcess[str]") -> Any:
    return json.loads(done.stdout)


def payments(world: DiscountScenario, reseller: str) -> list[tuple[str, str, str]]:
    items = world.api.ok(f"GET /v1/resellers/{reseller}/payments", key=world.key)["items"]
    return sorted((item["reference"], item["kind"], item["amount"]["amount"]) for item in items)


def waiting(world: DiscountScenario) -> list[dict[str, Any]]:
    return list(world.api.ok("GET /v1/payments/unmatched?programme=hosting", key=world.key)["items"])


def test_each_row_goes_to_the_reseller_that_it_names(
    world: DiscountScenario, run_import: Import, resellers: tuple[str, str], mapping: str
) -> None:
    rows = "Top-up r-1;1.000,50;5.1.2026;A\nДоговор R-17, без НДС;52000;6.1.2026;A\nErstattung R-17;-2,5;7.1.2026;B\n"
    done = run_import(HEADER + rows, *MATCH, "--mapping", mapping)
    assert (done.returncode, document(done)["imported"], document(done)["layout"]) == (0, 3, "house-bank.yaml")
    assert payments(world, resellers[0]) == [("A", "payment", "1000.50")]
    assert payments(world, resellers[1]) == [("A", "payment", "52000.00"), ("B", "refund", "2.50")]
    world.settle()
    assert world.discount(resellers[1])["recorded"]["turnover"] == roubles("51997.50")
    again = run_import(HEADER + rows, *MATCH, "--mapping", mapping)
    assert (document(again)["imported"], document(again)["already_there"]) == (0, 3)


def test_file_is_refused_when_a_row_names_nobody_and_the_payment_waits_when_it_is_accepted(
    world: DiscountScenario, run_import: Import, resellers: tuple[str, str], mapping: str
) -> None:
    rows = "R-1;1;5.1.2026;A\nR-12;2;5.1.2026;B\nR-17 und R-1;3;5.1.2026;C\nohne;4;5.1.2026;D\n"
    done = run_import(HEADER + rows, *MATCH, "--mapping", mapping)
    assert done.returncode == 1
    assert {row["line"]: row["why"] for row in document(done)["doubtful"]} == {
        3: "no reseller of hosting has the external_id R-12",
        4: "the row names 2 resellers: R-1, R-17",
        5: "the row names no reseller",
    }
    assert world.rows("SELECT 1 FROM payments UNION ALL SELECT 1 FROM unmatched_payments") == []
    accepted = run_import(HEADER + rows, *MATCH, "--mapping", mapping, "--accept", "3,4,5")
    assert (document(accepted)["imported"], document(accepted)["unmatched"]) == (1, 3)
    assert document(accepted)["lines"]["unmatched"] == [3, 4, 5]
    assert [(each["line"], each["reference"], each["amount"]) for each in waiting(world)] == [
        (5, "D", roubles("4.00")),
        (4, "C", roubles("3.00")),
        (3, "B", roubles("2.00")),
    ]
    longer = run_import(HEADER + rows + "R-1;9;6.1.2026;E\n", *MATCH, "--mapping", mapping, "--accept", "3,4,5")
    assert (document(longer)["imported"], document(longer)["unmatched"], document(longer)["already_there"]) == (1, 0, 4)


def test_waiting_payment_counts_for_the_reseller_it_is_assigned_to_and_once(
    world: DiscountScenario, run_import: Import, resellers: tuple[str, str], mapping: str
) -> None:
    rows = HEADER + "ohne;52000;5.1.2026;D\nohne;5;5.1.2026;E\n"
    assert run_import(rows, *MATCH, "--mapping", mapping, "--accept", "2,3").returncode == 0
    world.pay(resellers[0], "7", "2026-01-04", reference="E")
    second, first = waiting(world)
    call = f"POST /v1/payments/unmatched/{first['id']}/assign"
    posted = world.api.call(call, {"reseller_id": resellers[0]}, key=world.key)
    assert (posted.status_code, posted.json()["reference"], posted.json()["amount"]) == (201, "D", roubles("52000.00"))
    again = world.api.call(call, {"reseller_id": resellers[1]}, key=world.key)
    assert (again.status_code, again.json()["code"]) == (409, "already_assigned")
    other = world.api.call(
        f"POST /v1/payments/unmatched/{second['id']}/assign", {"reseller_id": resellers[0]}, key=world.key
    )
    assert (other.status_code, other.json()["reference"][:4]) == (201, "row:")
    assert waiting(world) == []
    world.settle()
    assert world.discount(resellers[0])["recorded"]["turnover"] == roubles("52012.00")
    assert document(run_import(rows, *MATCH, "--mapping", mapping, "--accept", "2,3"))["unmatched"] == 0
    assert waiting(world) == []


@pytest.fixture
def assign(world: DiscountScenario) -> str:
    """The call that assigns a payment of 5.00 RUB that waits."""
    [(row,)] = world.rows(WAITING, at=world.clock.now())
    return f"POST /v1/payments/unmatched/{row}/assign"


def test_waiting_payment_is_assigned_once(world: DiscountScenario, resellers: tuple[str, str], assign: str) -> None:
    assert world.api.call(assign, {"reseller_id": resellers[0]}, key=world.key).status_code == 201
    assert world.api.call(assign, {"reseller_id": resellers[1]}, key=world.key).json()["code"] == "already_assigned"
    assert payments(world, resellers[1]) == []


def test_dismissed_payment_leaves_the_list_with_a_reason_until_it_is_assigned(
    world: DiscountScenario, resellers: tuple[str, str], assign: str
) -> None:
    dismiss = assign.replace("/assign", "/dismiss")
    assert world.api.call(dismiss, {"reason": " "}, key=world.key).status_code == 422
    gone = world.api.ok(dismiss, {"reason": "a private transfer"}, key=world.key)
    assert (gone["dismiss_reason"], gone["dismissed_at"] is not None, waiting(world)) == (
        "a private transfer",
        True,
        [],
    )
    assert world.api.ok(dismiss, {"reason": "twice"}, key=world.key)["dismiss_reason"] == "a private transfer"
    listed = world.api.ok("GET /v1/payments/unmatched?dismissed=true", key=world.key)["items"]
    assert [each["reference"] for each in listed] == ["D"]
    assert world.rows("SELECT reason FROM audit_log WHERE action = 'payment.dismiss'") == [("a private transfer",)]
    bound = world.api.key(reseller_id=UUID(resellers[0]))
    assert world.api.call(dismiss, {"reason": "mine"}, key=bound).status_code == 404
    assert world.api.call(assign, {"reseller_id": resellers[0]}, key=world.key).status_code == 201
    assert world.api.call(dismiss, {"reason": "late"}, key=world.key).json()["code"] == "already_assigned"
    assert world.api.ok("GET /v1/payments/unmatched?dismissed=true", key=world.key)["items"] == []


def test_waiting_payment_is_seen_and_assigned_by_unbound_keys_alone(
    world: DiscountScenario, resellers: tuple[str, str], assign: str
) -> None:
    bound = world.api.key(reseller_id=UUID(resellers[0]))
    assert world.api.call("GET /v1/payments/unmatched", key=bound).status_code == 403
    assert world.api.call(assign, {"reseller_id": resellers[0]}, key=bound).status_code == 404
    assert [each["reference"] for each in waiting(world)] == ["D"]


def test_waiting_payment_is_assigned_in_its_own_programme(world: DiscountScenario, assign: str) -> None:
    world.apply("learning")
    foreign = world.reseller("Elbe", "learning")
    refused = world.api.call(assign, {"reseller_id": foreign}, key=world.key)
    assert (refused.status_code, refused.json()["code"]) == (422, "programme_mismatch")
    assert len(waiting(world)) == 1


@pytest.mark.parametrize(
    "options",
    [(), ("--programme", "hosting", "--reseller", "0192f0c0-0000-7000-8000-000000000000"), ("--accept", "x")],
)
def test_command_exits_with_2_when_it_is_used_wrongly(run_import: Import, options: tuple[str, ...]) -> None:
    assert run_import(HEADER, *options).returncode == 2


def test_pattern_or_mapping_that_cannot_be_read_is_refused_with_its_line(
    run_import: Import, resellers: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    broken = run_import(HEADER, "--programme", "hosting", "--match", "R-(")
    assert (broken.returncode, "not a regular expression" in broken.stderr) == (1, True)
    path = tmp_path_factory.mktemp("bad") / "bad.yaml"
    path.write_text("columns: {paid_at: Buchung}\ndecimal: x\ndate: d.Q.yyyy\n")
    done = run_import(HEADER, *MATCH, "--mapping", str(path))
    assert done.returncode == 1
    for words in ("bad.yaml: line 1", "'amount' is missing", "bad.yaml: line 2", "bad.yaml: line 3"):
        assert words in done.stderr
    unknown = run_import(HEADER, *MATCH, "--mapping", "nobank")
    assert (unknown.returncode, "no preset 'nobank'" in unknown.stderr) == (1, True)


def test_external_id_is_of_one_account_for_ever_and_set_by_whose_it_is(
    world: DiscountScenario, resellers: tuple[str, str]
) -> None:
    call = f"PATCH /v1/accounts/{resellers[0]}"
    bound = world.api.key(reseller_id=UUID(resellers[0]))
    refused = {
        world.api.call(call, {"external_id": text}, key=key).status_code: text
        for text, key in (("r-17", world.key), ("", world.key), ("own", bound))
    }
    assert refused == {409: "r-17", 422: "", 403: "own"}
    assert world.api.ok(call, {"external_id": " K-9 "}, key=world.key)["external_id"] == "K-9"
    new = {"programme": "hosting", "name": "Oka", "admin_email": "oka@shop.example", "external_id": "K-9"}
    assert world.api.call("POST /v1/accounts", new, key=world.key).json()["code"] == "external_id_taken"
    made = world.api.ok("POST /v1/accounts", {**new, "external_id": "K-10"}, key=world.key)
    assert made["external_id"] == "K-10"
    client = {"name": "Kama", "admin_email": "kama@client.example"}
    kama = world.api.ok(f"POST /v1/resellers/{resellers[0]}/clients", client, key=world.key)["id"]
    assert world.api.ok(f"PATCH /v1/accounts/{kama}", {"external_id": "K-11"}, key=bound)["external_id"] == "K-11"
