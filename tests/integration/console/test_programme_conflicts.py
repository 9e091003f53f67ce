"""Two admins at one programme file, versions that wait, and texts that stay as they are: nothing is overwritten."""

from __future__ import annotations

import html
from datetime import timedelta

import pytest

from kontor.http.context import Deps
from kontor.kernel.errors import Conflict
from kontor.programme import files, versions
from tests.integration.console.conftest import As
from tests.support.html_forms import form_to
from tests.support.programme_forms import ROOT, apply, apply_file, fill, newest
from tests.support.wiring import EXAMPLES


def test_a_form_opened_before_another_file_was_applied_overwrites_nothing(signed_in: As, deps: Deps) -> None:
    before, person = apply_file(deps, "booking"), signed_in("admin")
    path = f"{ROOT}/booking/plans/basic"
    opened = person.get(path).text
    changed = before.replace("Essentiel", "Petit").replace("de: Basis", "de: Anfang")
    apply_file(deps, "booking", changed.replace("percent: 20", "percent: 25"))
    answer = fill(person, path, {"price": "21.00", "names.de": "Grund"}, opened)
    assert answer.status_code == 409
    text = html.unescape(answer.text)
    assert "version 2, applied by test" in text
    assert "<ins>+  percent: 25</ins>" in text
    assert "In the file now: Anfang." in text
    values = form_to(answer.text, path).values
    assert (values["price"], values["names.de"], values["names.fr"]) == ("21.00", "Grund", "Petit")
    planned = fill(person, path, {}, answer.text)
    assert "<del>-  percent" not in planned.text
    done = fill(person, path, {"reason": "both"}, planned.text)
    assert done.status_code == 303
    after = newest(deps, "booking")
    assert ("percent: 25" in after, "fr: Petit" in after, "de: Grund" in after, '"21.00"' in after) == (True,) * 4


def test_a_plan_shown_before_another_file_was_applied_overwrites_nothing(signed_in: As, deps: Deps) -> None:
    before, person = apply_file(deps, "booking"), signed_in("admin")
    path = f"{ROOT}/booking/plans/basic"
    planned = fill(person, path, {"price": "21.00"})
    theirs = apply_file(deps, "booking", before.replace("percent: 20", "percent: 25"))
    refused = fill(person, path, {"reason": "mine"}, planned.text)
    assert refused.status_code == 409
    assert form_to(refused.text, path).values["price"] == "21.00"
    assert newest(deps, "booking") == theirs


def test_the_whole_file_is_not_overwritten_either(signed_in: As, deps: Deps) -> None:
    before, person = apply_file(deps, "booking"), signed_in("admin")
    path = f"{ROOT}/booking"
    opened = person.get(path).text
    theirs = apply_file(deps, "booking", before.replace("percent: 20", "percent: 25"))
    mine = before.replace("days: 7", "days: 14")
    refused = fill(person, path, {"source": mine}, opened)
    assert refused.status_code == 409
    assert "<ins>+  percent: 25</ins>" in refused.text
    assert form_to(refused.text, path).values["source"] == mine
    assert newest(deps, "booking") == theirs
    planned = fill(person, path, {}, refused.text)
    assert "<del>-  percent: 25</del>" in planned.text


def test_the_service_refuses_a_file_made_from_another_state(deps: Deps) -> None:
    before = apply_file(deps, "booking")
    with deps.sessions() as session:
        state = versions.state_of(versions.entries(session, "booking"), deps.clock.now())
    theirs = apply_file(deps, "booking", before.replace("percent: 20", "percent: 25"))
    with deps.sessions() as session, pytest.raises(Conflict) as refused:
        files.prepare(session, "booking", before.replace("days: 7", "days: 14"), now=deps.clock.now(), seen=state)
    assert refused.value.code == "programme_changed"
    assert newest(deps, "booking") == theirs


def test_an_entry_that_was_removed_meanwhile_is_offered_as_a_new_one(signed_in: As, deps: Deps) -> None:
    before, person = apply_file(deps, "hosting"), signed_in("admin")
    path = f"{ROOT}/hosting/promo-codes/WELCOME10"
    opened = person.get(path).text
    apply_file(deps, "hosting", before.replace("  WELCOME10:\n    percent: 10\n", ""))
    answer = fill(person, path, {"percent": "11"}, opened)
    assert answer.status_code == 409
    again = fill(person, f"{ROOT}/hosting/new/promo-codes", {}, answer.text)
    done = fill(person, f"{ROOT}/hosting/new/promo-codes", {"reason": "again"}, again.text)
    assert done.status_code == 303, done.text
    assert "  WELCOME10:\n    percent: 11\n" in newest(deps, "hosting")


def test_a_version_that_waits_is_changed_on_its_own(signed_in: As, deps: Deps) -> None:
    before, person = apply_file(deps, "booking"), signed_in("admin")
    begins = deps.clock.now() + timedelta(days=30)
    apply_file(deps, "booking", before.replace("percent: 20", "percent: 25"), effective=begins)
    path = f"{ROOT}/booking/plans/basic"
    assert "Version 2</a> begins at" in person.get(path).text
    done = apply(person, f"{path}?version=2", {"price": "21.00"})
    assert done.headers["location"] == f"{ROOT}/booking/plans?applied=3&version=3"
    with deps.sessions() as session:
        listed = versions.entries(session, "booking")
        assert versions.entry_at(listed, deps.clock.now()).number == 1
        assert versions.entry_at(listed, begins).number == 3
    assert "percent: 25" in newest(deps, "booking")
    assert apply(person, path, {"price": "20.00"}).status_code == 303
    assert "percent: 20" in newest(deps, "booking")


def test_an_instant_that_is_over_leaves_the_file_with_the_next_change(signed_in: As, deps: Deps) -> None:
    before = apply_file(deps, "booking")
    begins = deps.clock.now() + timedelta(hours=1)
    apply_file(deps, "booking", before.replace("percent: 20", "percent: 25") + f"effective: {begins.isoformat()}\n")
    deps.clock.advance(timedelta(hours=2))  # type: ignore[attr-defined]  # a clock of tests
    assert apply(signed_in("admin"), f"{ROOT}/booking/plans/basic", {"price": "21.00"}).status_code == 303
    after = newest(deps, "booking")
    assert ("effective" in after, "percent: 25" in after, '"21.00"' in after) == (False, True, True)


def test_line_breaks_of_the_file_stay(signed_in: As, deps: Deps) -> None:
    text = (EXAMPLES / "booking.yaml").read_text(encoding="utf-8").replace("\n", "\r\n")
    apply_file(deps, "booking", text)
    assert apply(signed_in("admin"), f"{ROOT}/booking/plans/basic", {"price": "21.00"}).status_code == 303
    assert newest(deps, "booking") == text.replace("19.00", "21.00")
