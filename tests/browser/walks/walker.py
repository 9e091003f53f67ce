"""A person who walks through the portal: reads what is written, types into what is labelled, presses what is there.

`KONTOR_WALKS=FOLDER` keeps a screenshot of each page that a walk looks at.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from playwright.sync_api import Page, expect

from kontor.mails.resend import RULES
from models.mails import Mail
from tests.support.api_scenario import ApiScenario

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def draw(page: Page, name: str) -> None:
    """Keep a screenshot where they are asked for."""
    if folder := os.environ.get("KONTOR_WALKS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser: with scripts or without, and the width of its window."""

    scripts: bool
    width: int

    def __str__(self) -> str:
        """The part of names that differs."""
        return f"{self.width}-{'scripts' if self.scripts else 'plain'}"


@dataclass
class Kontor(ApiScenario):
    """The running product, its mails and the money that comes from outside."""

    def mail_to(self, template: str, address: str) -> Mail:
        """The newest mail of a template to an address."""
        received = [mail for mail in self.mails(template) if address in self.recipients(mail)]
        assert received, f"no mail {template} to {address}"
        return received[-1]

    def link(self, template: str, address: str) -> str:
        """The path of the link in that mail."""
        mail = self.mail_to(template, address)
        rule = RULES[template].links
        assert rule is not None
        with self.transaction() as session:
            return next(iter(rule(session, self.api.deps.tokens, mail).values()))

    def id_of(self, name: str) -> str:
        """The id of the account with a name."""
        ((account,),) = self.rows("SELECT id FROM accounts WHERE name = :name", name=name)
        return str(account)

    def account(self, programme: str, name: str, password: str) -> str:
        """An account that exists already; its id."""
        self.made += 1
        body = {"programme": programme, "name": name, "admin_email": f"boss{self.made}@walk.example"}
        return str(self.api.ok("POST /v1/accounts", {**body, "password": password})["id"])

    def client(self, reseller: str, name: str, password: str) -> str:
        """A client whose admin has a password; its id."""
        self.made += 1
        body = {"name": name, "admin_email": f"admin{self.made}@walk.example"}
        account = str(self.api.ok(f"POST /v1/resellers/{reseller}/clients", body)["id"])
        self.api.ok(f"PATCH /v1/accounts/{account}", {"password": password})
        return account

    def recipients(self, mail: Mail) -> list[str]:
        """The addresses that a mail goes to."""
        rows = self.rows("SELECT address FROM mail_recipients WHERE mail_id = :mail", mail=mail.id)
        return [row[0] for row in rows]


@dataclass
class Walker:
    """A page and what a person does on it. Every element is identified by its visible text."""

    page: Page
    name: str
    steps: Iterator[int] = field(default_factory=lambda: count(1))

    def open(self, path: str) -> None:
        """Follow a link from outside."""
        self.page.goto(path)

    def sign_in(self, name_label: str, name: str, password_label: str, password: str, button: str) -> None:
        """Sign in by the account's name."""
        self.open("/login")
        self.type(name_label, name)
        self.type(password_label, password)
        self.press(button)

    def menu(self, *entries: str) -> None:
        """Open a page by the menu; several entries: the last of them is in the part that opens on demand."""
        navigation = self.page.locator("nav")
        if len(entries) > 1:
            navigation.get_by_text(entries[0], exact=True).click()
        navigation.get_by_role("link", name=entries[-1], exact=len(entries) > 1).click()

    def follow(self, text: str) -> None:
        """Press a link of the page."""
        self.page.locator("body").get_by_role("link", name=text, exact=True).first.click()

    def press(self, text: str, *, of: str = "") -> None:
        """Press a button; `of`: the name beside which it stands."""
        if of:
            self.page.locator("tr", has_text=of).get_by_role("button", name=text).click()
        else:
            self.page.locator("main").get_by_role("button", name=text, exact=True).click()

    def fill(self, **typed: str) -> None:
        """Type into fields by their labels, which are the values' keys with spaces for underscores."""
        for label, text in typed.items():
            self.type(label, text)

    def type(self, label: str, text: str) -> None:
        """Type into the field with a label."""
        self.page.get_by_label(label, exact=True).first.fill(text)

    def choose(self, label: str, option: str) -> None:
        """Choose an option by its text."""
        self.page.get_by_label(label, exact=True).select_option(label=option)

    def tick(self, label: str) -> None:
        """Tick the box with a label that begins with a text."""
        self.page.get_by_label(label).first.check()

    def reads(self, *texts: str) -> None:
        """Expect that the page says something."""
        for text in texts:
            expect(self.page.locator("body")).to_contain_text(text)

    def reads_not(self, *texts: str) -> None:
        """Expect that the page does not say something."""
        for text in texts:
            expect(self.page.locator("body")).not_to_contain_text(text)

    def check_layout(self) -> None:
        """Expect that nothing is cut off; keep a screenshot where they are asked for."""
        assert self.page.evaluate(OVERFLOW) <= 0, self.page.url
        draw(self.page, f"{self.name}-{next(self.steps):02}")
