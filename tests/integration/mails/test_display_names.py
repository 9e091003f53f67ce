"""Mails say names in the reader's language, never a code of the programme file (programme.md 3.6)."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.orm import Session

from kontor.accounts import service as accounts
from kontor.accounts.brands import Branding
from kontor.accounts.service import NewAccount
from kontor.adapters.fakes import FakeMailTransport, ManualClock
from kontor.context import Context
from kontor.mailer.build import MailBuilder
from kontor.mailer.formatting import LANGUAGES
from kontor.mailer.registry import MAIL_KINDS
from kontor.mailer.render import Renderer
from kontor.mails import service as mails
from kontor.mails.dispatch import provider_brand
from kontor.mails.display_names import with_names
from kontor.mails.preview import SampleSender, sample_mail
from kontor.programme.model import Programme, TurnoverDiscount
from kontor.programme.parse import parse
from tests.integration.mails.conftest import Send
from tests.integration.mails.parsing import text_of
from tests.support.wiring import EXAMPLES

CODES = ("booking", "hosting", "learning", "telephony")
BUILDER = MailBuilder(Renderer())


def example(code: str) -> Programme:
    """An example programme."""
    programme = parse((EXAMPLES / f"{code}.yaml").read_text())
    assert isinstance(programme, Programme)
    return programme


def codes_of(programme: Programme) -> set[str]:
    """Every code of a file that a reader must not see."""
    families = programme.discount.families if isinstance(programme.discount, TurnoverDiscount) else ()
    plans = programme.plans.keys() - {"free"}  # an English word, too
    return {*plans, *programme.metrics, *programme.products, *families}


def coded(programme: Programme, facts: Any) -> Any:
    """Sample facts that hold the file's own codes."""
    match facts:
        case Mapping():
            swapped = {key: coded(programme, value) for key, value in facts.items()}
            families = getattr(programme.discount, "families", ("",))
            own = {"metric": next(iter(programme.metrics), ""), "family": families[0]}
            return swapped | {key: code for key, code in own.items() if code and key in swapped}
        case list() | tuple():
            return [coded(programme, value) for value in facts]
        case _:
            return facts


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", CODES)
def test_no_mail_says_a_code_of_the_file(code: str, language: str, clock: ManualClock) -> None:
    programme = example(code)
    branding = Branding(provider_brand(programme, "https://kontor.example"), None)
    sender = SampleSender(code, branding, programme.timezone, programme)
    shown = re.compile("|".join(rf"(?<![\w./-]){re.escape(each)}(?![\w.-])" for each in sorted(codes_of(programme))))
    for template in MAIL_KINDS:
        facts = with_names(coded(programme, MAIL_KINDS[template].sample), programme, language)
        built = BUILDER.build(replace(sample_mail(sender, template, language), facts=facts), clock.now())
        assert not shown.findall(built.subject + built.text), template


@pytest.mark.parametrize("code", CODES)
def test_everything_of_an_example_has_a_name_in_each_language(code: str) -> None:
    programme = example(code)
    tiers = programme.discount.tiers if isinstance(programme.discount, TurnoverDiscount) else ()
    families = programme.discount.families if isinstance(programme.discount, TurnoverDiscount) else ()
    assert set(programme.metrics) == set(programme.metric_names)
    assert set(families) == set(programme.family_names)
    shown = (*programme.metric_names.values(), *programme.family_names.values())
    for names in (
        *(plan.names for plan in programme.plans.values()),
        *(tier.names for tier in tiers),
        *(each.names for each in shown),
    ):
        assert set(map(str, names)) >= set(LANGUAGES) - {"en"}
    assert programme.tier_name("unknown", "de") == "unknown"


def test_quota_mail_names_the_metric_in_the_readers_language(
    office: Context, session: Session, send: Send, transport: FakeMailTransport
) -> None:
    new = NewAccount("booking", "Sakura", "admin@sakura.example", locale="ja")
    account = accounts.create(office, session, new)
    facts = {"account": account.name, "metric": "appointments", "value": 41, "limit": 50, "percent": 82}
    refs = {"account_id": str(account.id), "plan": account.plan}
    mail_id = mails.post(
        session, office.jobs, template="quota-warning", account=account, facts=facts, fact_key="1", refs=refs
    )
    assert mail_id is not None
    send(mail_id)
    logged = mails.get(session, mail_id).mail
    assert logged.facts["metric"] == "appointments"
    assert "appointments" not in text_of(transport.sent[0])
    assert "\u4e88\u7d04" in text_of(transport.sent[0])
