"""Mails to one address beyond 50 a day: listed in a digest of the hour instead of sent one by one (security.md 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.engine.enqueue import Jobs
from kontor.kernel.errors import KontorError
from kontor.kernel.tokens import Tokens
from kontor.mailer.build import MailBuilder
from kontor.mails import limit_queries, queries, service
from kontor.mails.limit_queries import FoldedMail
from kontor.mails.service import Links, MailRule
from models.accounts import Account
from models.mails import Mail, RecipientRole

TEMPLATE: Final = "mail-digest"
LISTED: Final = 50
"""Mails that a digest lists; of the rest it says how many there are."""


def fold(session: Session, jobs: Jobs, builder: MailBuilder) -> dict[str, int]:
    """Post a digest per address and brand of the mails folded since the last one; return how many of each."""
    groups: dict[tuple[str, UUID | None], list[FoldedMail]] = {}
    for each in limit_queries.lock_folded(session):
        owner = each.mail.reseller_id or each.mail.account_id
        groups.setdefault((each.recipient.address_key, owner), []).append(each)
    digests = sum(_post(session, jobs, builder, group) for group in groups.values())
    return {"folded": sum(map(len, groups.values())), "digests": digests}


def _post(session: Session, jobs: Jobs, builder: MailBuilder, group: Sequence[FoldedMail]) -> bool:
    newest = group[-1]
    account = _addressed(session, newest)
    if account is None:
        return False
    listed = group[:LISTED]
    lines = [
        {
            "subject": builder.subject(each.mail.template, account.locale, account.timezone, each.mail.facts),
            "at": each.mail.created_at,
        }
        for each in listed
    ]
    digest_id = service.post(
        session,
        jobs,
        template=TEMPLATE,
        account=account,
        facts={"account": account.name, "mails": lines, "more": len(group) - len(listed)},
        fact_key=f"{newest.mail.id}:{newest.recipient.address_key}",
        to=newest.recipient.address,
        refs={"mails": [str(each.mail.id) for each in listed]},
        reseller_id=newest.mail.reseller_id,
    )
    for each in group:
        each.recipient.folded_in = digest_id
    return digest_id is not None


def _addressed(session: Session, folded: FoldedMail) -> Account | None:
    """Return the account that a folded mail's recipient administers: for a Cc the reseller."""
    account_id = folded.mail.reseller_id if folded.recipient.role == RecipientRole.CC else folded.mail.account_id
    return None if account_id is None else session.get(Account, account_id)


def digest_rule(rules: Mapping[str, MailRule]) -> MailRule:
    """Return the rule of the digest: its links are those of the mails that it lists, made when it is sent."""

    def links(session: Session, tokens: Tokens, mail: Mail) -> Links:
        made: dict[str, str] = {}
        for number, mail_id in enumerate(mail.refs["mails"]):
            listed = queries.by_id(session, UUID(mail_id))
            path = None if listed is None else _first_link(session, tokens, rules.get(listed.template), listed)
            if path is not None:
                made[f"folded-{number}"] = path
        return made

    return MailRule(links=links)


def _first_link(session: Session, tokens: Tokens, rule: MailRule | None, mail: Mail) -> str | None:
    """Return the link of a mail's button; None if it has none, or none any more."""
    if rule is None or rule.links is None:
        return None
    try:
        return next(iter(rule.links(session, tokens, mail).values()), None)
    except KontorError:
        return None
