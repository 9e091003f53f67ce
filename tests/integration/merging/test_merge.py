"""One reseller is merged into another, exactly as its dry run reported."""

from datetime import timedelta
from uuid import UUID

from kontor.offers import notifications as offers_notifications
from models.accounts import Account
from models.mails import Mail
from models.offers import Offer
from tests.support.merging import MergeScenario


def test_merge_moves_clients_offers_and_templates_as_the_dry_run_reported(world: MergeScenario) -> None:
    world.open("learning")
    clients = [world.fees.client(world.old) for _ in range(3)]
    other = world.fees.client(world.new)
    world.ok(f"DELETE /v1/accounts/{clients[2]}")
    offer = world.offer(world.old, clients[0])
    kept = world.offer(world.new, other)
    for reseller, name in ((world.old, "Basics"), (world.old, "More"), (world.new, "Basics")):
        world.template(reseller, name)
    report = world.dry_run()
    numbers = {name: report[name] for name in ("clients", "open_offers", "templates", "running_trials", "payments")}
    assert numbers == {"clients": 3, "open_offers": 1, "templates": 2, "running_trials": 0, "payments": 0}
    assert report["clashes"] == [{"template": "Basics", "becomes": "Basics (Elbe)"}]
    before = world.owned(world.old)
    assert world.dry_run() == report
    assert world.owned(world.old) == before
    job = world.merge()
    assert (job["state"], job["result"]) == ("succeeded", report)
    assert [row["id"] for row in world.ok(f"GET /v1/resellers/{world.new}/clients")["items"]] == sorted(
        [*clients, other]
    )
    assert {row["id"] for row in world.ok(f"GET /v1/offers?reseller={world.new}")["items"]} == {offer, kept}
    names = {row["name"] for row in world.ok("GET /v1/offer-templates")["items"] if row["reseller_id"] == world.new}
    assert names == {"Basics", "Basics (Elbe)", "More"}
    assert world.fees.shown(world.old)["kind"] == "regular"
    assert not any(world.owned(world.old).values())
    assert world.ok(f"POST /v1/accounts/{clients[2]}/restore")["reseller_id"] == world.new


def test_both_resellers_are_notified_and_the_event_belongs_to_the_new_one(world: MergeScenario) -> None:
    world.open("learning")
    world.fees.client(world.old)
    world.merge()
    notices = {mail.facts["told"]: (str(mail.account_id), mail.facts["clients"]) for mail in world.fees.mails("merged")}
    assert notices == {"merged": (world.old, 1), "into": (world.new, 1)}
    event = world.fees.events("account.merged")[0]
    assert (str(event.account_id), str(event.reseller_id), event.data["clients"]) == (world.old, world.new, 1)


def test_keys_of_the_merged_reseller_are_refused_and_those_of_the_new_one_see_its_clients(world: MergeScenario) -> None:
    world.open("learning")
    client = world.fees.client(world.old)
    theirs, ours = world.fees.api.key(reseller_id=UUID(world.old)), world.fees.api.key(reseller_id=UUID(world.new))
    assert world.fees.api.call(f"GET /v1/accounts/{client}", key=ours).status_code == 404
    assert world.dry_run()["keys"] == 1
    world.merge()
    assert world.fees.api.call(f"GET /v1/accounts/{client}", key=theirs).status_code == 401
    assert world.fees.api.call(f"GET /v1/accounts/{client}", key=ours).status_code == 200


def test_decision_link_mailed_before_the_merge_works_in_the_new_brand(world: MergeScenario) -> None:
    world.open("learning")
    client = world.fees.client(world.old)
    world.ok(f"PUT /v1/accounts/{world.old}/brand", {"name": "Elbe Schule"})
    world.ok(f"PUT /v1/accounts/{world.new}/brand", {"name": "Weser Akademie"})
    offer_id = world.offer(world.old, client)
    world.fees.worker.inline.drain()
    with world.fees.transaction() as session:
        offer, account = session.get_one(Offer, offer_id), session.get_one(Account, client)
        path = f"/offers/{offers_notifications.make_decision_token(world.fees.api.deps.tokens, offer, account)}"
    assert "Elbe Schule" in world.fees.api.http.get(path).text
    world.merge()
    shown = world.fees.api.http.get(path)
    assert (shown.status_code, "Weser Akademie" in shown.text, "Elbe" in shown.text) == (200, True, False)
    assert world.fees.api.http.post(path, data={"decision": "accept"}).status_code == 200
    assert world.ok(f"GET /v1/offers/{offer_id}")["state"] == "accepted"
    accepted: Mail = world.fees.mails("offer-accepted")[0]
    assert str(accepted.account_id) == world.new


def test_queued_mail_is_sent_in_the_new_resellers_name(world: MergeScenario) -> None:
    world.open("learning")
    world.fees.client(world.old)
    job = world.request().json()["job_id"]
    world.fees.worker.inline.run(job)
    queued = world.fees.rows("SELECT reseller_id FROM mails WHERE template = 'activation' AND state = 'queued'")
    assert [str(row[0]) for row in queued] == [world.new]


def test_payments_count_for_the_new_tier_and_references_stay_unique_per_payer(world: MergeScenario) -> None:
    world.open("hosting")
    world.pay(world.old, "52000.00", "inv-1")
    world.pay(world.new, "50000.00", "inv-1")
    report = world.dry_run()
    assert (report["payments"], report["turnover_after"]["amount"]) == (1, "102000.00")
    assert report["tier_before"] != report["tier_after"]
    job = world.merge()
    assert job["result"] == report
    discount = world.ok(f"GET /v1/resellers/{world.new}/discount")
    assert (discount["tier"], discount["turnover"]["amount"]) == (report["tier_after"], "102000.00")
    assert world.pay(world.new, "50000.00", "inv-1").status_code == 200
    assert world.pay(world.new, "1.00", "inv-2").status_code == 201
    assert world.fees.mails("tier-changed")[-1].facts["now"] == report["tier_after"]
    assert len(world.fees.rows("SELECT FROM discounts WHERE reseller_id = :id", id=world.old)) == 1


def test_assignments_keep_their_anchor_and_are_charged_to_the_new_reseller(world: MergeScenario) -> None:
    world.open("telephony")
    client = world.fees.client(world.old)
    world.fees.go("2025-12-31")
    assert world.fees.assign(client, "call-recording").status_code == 201
    report = world.dry_run()
    assert (report["assignments"], report["charges"]) == (1, 1)
    world.merge()
    world.fees.go("2026-02-28T12:00:00")
    assert world.fees.starts(f"resellers/{world.new}") == ["2025-12-31", "2026-01-31", "2026-02-28"]
    assert world.fees.charges(f"resellers/{world.old}") == []


def test_running_trial_continues(world: MergeScenario) -> None:
    world.open("booking")
    client = world.fees.client(world.old)
    world.ok(f"POST /v1/accounts/{client}/trial")
    assert world.dry_run()["running_trials"] == 1
    job = world.merge()
    assert job["result"]["running_trials"] == 1
    assert world.fees.shown(client)["trial"]["state"] == "running"
    world.fees.clock.advance(timedelta(days=7))
    world.fees.settle()
    assert [mail.reseller_id for mail in world.fees.mails("trial-ended")] != []
    assert str(world.fees.mails("trial-ended")[0].reseller_id) == world.new


def test_client_settings_stay_and_verified_domains_follow(world: MergeScenario) -> None:
    world.open("learning")
    client = world.fees.client(world.old)
    world.ok(f"PUT /v1/accounts/{client}/brand", {"domain": "learn.client.example"})
    world.fees.rows("UPDATE verified_domains SET verified_at = now(), verified_by = 'dns'")
    world.merge()
    brand = world.ok(f"GET /v1/accounts/{client}/brand")
    assert brand["domain"] == "learn.client.example"
    assert [(domain["account_id"], domain["verified"]) for domain in brand["domains"]] == [(world.new, True)]


def test_single_subscription_held_by_both_resellers_prevents_the_merge(world: MergeScenario) -> None:
    world.open("telephony")
    mine, yours = world.fees.client(world.old), world.fees.client(world.new)
    for client in (mine, yours):
        assert world.fees.assign(client, "voicemail").status_code == 201
    conflicts = world.dry_run()["conflicts"]
    assert [row["subscription"] for row in conflicts] == ["voicemail-wholesale"]
    assert [row["account_id"] for row in conflicts[0]["held"]] == [mine, yours]
    refused = world.request()
    assert (refused.status_code, refused.json()["code"]) == (409, "conflicts")


def test_conflict_arising_before_the_job_runs_stops_the_merge_without_changes(world: MergeScenario) -> None:
    world.open("telephony")
    mine, yours = world.fees.client(world.old), world.fees.client(world.new)
    world.fees.assign(mine, "voicemail")
    job_id = world.request().json()["job_id"]
    world.fees.assign(yours, "voicemail")
    world.fees.worker.inline.drain()
    job = world.ok(f"GET /v1/jobs/{job_id}")
    assert (job["state"], "voicemail-wholesale" in job["error"]["message"]) == ("dead", True)
    assert world.fees.shown(mine)["reseller_id"] == world.old
    world.fees.unassign(yours, "voicemail")
    world.fees.go("2026-01-02")
    world.ok(f"POST /v1/jobs/{job_id}/retry", {"reason": "unassigned"})
    world.fees.worker.inline.drain()
    assert world.fees.shown(mine)["reseller_id"] == world.new


def test_invalid_merge_is_refused_with_a_code(world: MergeScenario) -> None:
    world.open("learning")
    other, plain = world.fees.reseller("telephony", "Main"), world.fees.account("learning")

    def code(reseller: str, into: str, **more: object) -> tuple[int, str]:
        answer = world.call(f"POST /v1/resellers/{reseller}/merge", {"into": into, **more})
        return answer.status_code, answer.json()["code"]

    assert code(world.old, other, dry_run=True) == (409, "programme_mismatch")
    assert code(world.old, plain) == (409, "not_a_reseller")
    assert code(plain, world.old) == (409, "not_a_reseller")
    assert code(world.old, world.old) == (422, "invalid")
    assert code(world.old, "018f0000-0000-7000-8000-000000000000") == (404, "not_found")
    bound = world.fees.api.key(reseller_id=UUID(world.old))
    refused = world.fees.api.call(f"POST /v1/resellers/{world.old}/merge", {"into": world.new}, key=bound)
    assert refused.status_code == 403


def test_repeated_request_is_one_job_and_a_later_one_is_refused(world: MergeScenario) -> None:
    world.open("learning")
    first, again = world.request(), world.request()
    assert first.json()["job_id"] == again.json()["job_id"]
    asked = world.fees.rows("SELECT actor, target, detail ->> 'into' FROM audit_log WHERE action = 'resellers.merge'")
    assert [(row[0][:4], *row[1:]) for row in asked] == [("key:", world.old, world.new)]
    world.fees.worker.inline.drain()
    later = world.request()
    assert (later.status_code, later.json()["code"]) == (409, "not_a_reseller")
    assert len(world.fees.mails("merged")) == 2


def test_orders_and_recorded_discounts_stay_with_the_merged_reseller(world: MergeScenario) -> None:
    world.open("hosting")
    world.pay(world.old, "52000.00", "inv-1")
    world.fees.worker.inline.drain()
    order = {"product": "vps-small", "order_ref": "o-1"}
    placed = world.call(f"POST /v1/resellers/{world.old}/orders", order)
    assert placed.status_code == 201, placed.text
    recorded = world.ok(f"GET /v1/resellers/{world.old}/discount")["recorded"]
    assert recorded["turnover"]["amount"] == "52000.00"
    world.merge()
    assert [order["order_ref"] for order in world.ok(f"GET /v1/resellers/{world.old}/orders")["items"]] == ["o-1"]
    assert world.ok(f"GET /v1/resellers/{world.new}/orders")["items"] == []
    after = world.ok(f"GET /v1/resellers/{world.old}/discount")
    assert (after["turnover"]["amount"], after["recorded"]) == ("0.00", recorded)
