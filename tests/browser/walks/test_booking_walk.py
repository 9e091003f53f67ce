"""Seeds 000 and 001: a partner's first day to a client's upgrade, in Japanese and French."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from tests.browser.mail_pictures import chromium
from tests.browser.walks.booking_words import WORDS
from tests.browser.walks.conftest import Enter
from tests.browser.walks.walker import Kontor, Visitor, Walker
from tests.support.wiring import EXAMPLES

pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="needs a system Chromium (Debian: chromium)"),
    pytest.mark.timeout(300),
]
SECRET = "a password for the walk"
BASIC = '    price: "19.00"                # a month; quotes keep the decimals as they are written\n'
FEATURES = "    features: [calendar_sync, no_ads]\n"
COMPANIES = "  legal_entity_required: true"


@pytest.fixture(scope="module", autouse=True)
def booking(kontor: Kontor) -> None:
    """Two programmes: one in French for everybody, one in Japanese for companies."""
    source = (EXAMPLES / "booking.yaml").read_text()
    companies = source.replace("  legal_entity_required: false", COMPANIES).replace("locale: fr", "locale: ja")
    assert BASIC in source
    source, companies = (each.replace(BASIC, BASIC + FEATURES) for each in (source, companies))
    kontor.apply("booking", source)
    kontor.apply("yoyaku", companies.replace("name: Booking  ", "name: Yoyaku   "))


@dataclass(frozen=True, slots=True)
class Story:
    """The texts of a language, and names that no other walk has."""

    kontor: Kontor
    words: dict[str, str]
    word: str

    @property
    def partner(self) -> str:
        """The reseller."""
        return f"Agence {self.word}"

    @property
    def client(self) -> str:
        """Its client."""
        return f"Salon {self.word}"

    def address(self, who: str) -> str:
        """The address of somebody."""
        return f"{who}@{self.word}.example"

    def account(self, name: str) -> str:
        """An account that exists already; its id."""
        return self.kontor.account(self.words["programme_name"].lower(), name, SECRET)


@pytest.fixture(params=["ja", "fr"])
def story(request: pytest.FixtureRequest, kontor: Kontor, visitor: Visitor) -> Story:
    """The walk in one language."""
    return Story(kontor, WORDS[request.param], f"{request.param}{visitor.width}{'js' if visitor.scripts else ''}")


def test_partner_begins_and_its_client_takes_a_larger_plan(story: Story, enter: Enter) -> None:
    partner, client = enter(story.words["locale"], "partner"), enter(story.words["locale"], "client")
    become_reseller(partner, story)
    set_brand(partner, story)
    add_clients(partner, story)
    begin_as_client(client, story)
    outgrow_the_free_plan(client, story)
    upgrade(partner, story)
    see_what_happened(client, story)
    tidy(partner, story)


def test_person_is_refused_where_only_companies_resell(enter: Enter, kontor: Kontor, visitor: Visitor) -> None:
    story = Story(kontor, WORDS["ja"], f"solo{visitor.width}")
    walker, words = enter("ja-JP", "person"), story.words
    sign_up(walker, story, words["person"])
    walker.follow(words["become"])
    walker.tick(words["terms"])
    walker.press(words["become"])
    walker.reads(words["companies_only"], "https://affiliates.booking.example/")
    walker.check_layout()


def sign_up(walker: Walker, story: Story, party: str) -> None:
    """Make an account of one's own and confirm its address."""
    words, kontor = story.words, story.kontor
    walker.open("/login")
    walker.follow(words["create_an_account"])
    walker.choose(words["programme"], words["programme_name"])
    walker.type(words["account_name"], story.partner)
    walker.type(words["email"], story.address("chef"))
    walker.choose(words["you_are"], party)
    walker.type(words["password"], SECRET)
    walker.tick(words["terms"])
    walker.check_layout()
    walker.press(words["create_account"])
    walker.reads(words["account_created"])
    kontor.settle()
    walker.open(kontor.link("activation", story.address("chef")))
    walker.press(words["activate"])
    walker.open("/account")


def become_reseller(partner: Walker, story: Story) -> None:
    """Rows 1, 3 and 7: at once, by accepting the terms; the dashboard's menu is there."""
    words = story.words
    sign_up(partner, story, words["company"])
    partner.follow(words["become"])
    partner.tick(words["terms"])
    partner.check_layout()
    partner.press(words["become"])
    partner.reads(words["became"], words["new_client"])
    partner.check_layout()


def set_brand(partner: Walker, story: Story) -> None:
    """Rows 13 to 18: name, colour, contact, domain and sender, which clients see from then on."""
    words = story.words
    partner.menu(words["more"], words["brand"])
    partner.type(words["brand_name"], story.partner)
    partner.type(words["main_colour"], "#7a1f5c")
    partner.type(words["email"], story.address("aide"))
    partner.type(words["domain"], f"rdv.{story.word}.example")
    partner.type(words["sender"], story.address("bonjour"))
    partner.press(words["save"])
    partner.reads(words["brand_saved"], words["not_verified"], f"rdv.{story.word}.example")
    partner.check_layout()


def add_clients(partner: Walker, story: Story) -> None:
    """Rows 8 and 9: a new client, and an account that exists, by its name and password."""
    words = story.words
    partner.menu(words["clients"])
    partner.follow(words["new_client"])
    partner.type(words["name"], story.client)
    partner.type(words["admin_email"], story.address("rose"))
    partner.press(words["create_client"])
    partner.reads(words["client_created"], story.client)
    partner.check_layout()
    story.account(f"Ancien {story.word}")
    partner.menu(words["clients"])
    partner.follow(words["add_existing"])
    partner.type(words["account_name"], f"Ancien {story.word}")
    partner.type(words["password"], SECRET)
    partner.press(words["add_account"])
    partner.reads(words["account_added"])


def begin_as_client(client: Walker, story: Story) -> None:
    """Rows 6, 8, 13 and 22: the mailed link, in the reseller's name; free, within 50; nothing of the provider."""
    words, kontor = story.words, story.kontor
    kontor.settle()
    mail = kontor.mail_to("activation", story.address("rose"))
    assert mail.reseller_id is not None
    client.open(kontor.link("activation", story.address("rose")))
    client.type(words["choose_password"], SECRET)
    client.reads(story.partner)
    client.check_layout()
    client.press(words["activate"])
    sign_in(client, story, story.client)
    client.reads(words["free"], words["of"].format(value=0, limit=50), story.address("aide"))
    client.reads_not(words["programme_name"], words["price"], "20 %", words["show_price"])
    client.check_layout()


def sign_in(walker: Walker, story: Story, name: str) -> None:
    """Sign in by the account's name."""
    words = story.words
    walker.sign_in(words["identifier"], name, words["password"], SECRET, words["sign_in"])


def outgrow_the_free_plan(client: Walker, story: Story) -> None:
    """Rows 12, 23 to 25, 33: the trial once with every feature, its end, over the limit, the password changed."""
    words, kontor = story.words, story.kontor
    client.press(words["start_trial"])
    client.reads(words["trial_started"], words["without_limit"].format(value=0), "no ads", "calendar sync")
    client.check_layout()
    kontor.reach(kontor.clock.now() + timedelta(days=7, minutes=1))
    account, now = kontor.id_of(story.client), kontor.clock.now().isoformat()
    kontor.api.ok(f"POST /v1/accounts/{account}/usage", {"metric": "appointments", "value": 51, "at": now})
    kontor.settle()
    mail = kontor.mail_to("quota-exceeded", story.address("rose"))
    assert story.address("chef") in kontor.recipients(mail)
    sign_in(client, story, story.client)
    client.reads(words["over_limit"], words["of"].format(value=51, limit=50))
    client.reads_not("no ads")
    assert client.page.get_by_role("button", name=words["start_trial"]).count() == 0
    client.check_layout()
    client.follow(words["password"])
    client.type(words["current_password"], SECRET)
    client.type(words["new_password"], SECRET + "!")
    client.press(words["change_password"])
    client.reads(words["password_changed"])


def upgrade(partner: Walker, story: Story) -> None:
    """Rows 4, 10, 11, 26: found by its state, entered in a second window, the plan at 20 % less."""
    words = story.words
    sign_in(partner, story, story.partner)
    partner.tick(words["state_over"])
    partner.press(words["show"])
    partner.check_layout()
    partner.press(words["log_in"], of=story.client)
    partner.reads(words["acting"].format(reseller=story.partner, client=story.client))
    partner.choose(words["plan"], words["basic"])
    partner.press(words["show_price"])
    partner.reads(words["to_pay"], words["price"])
    partner.check_layout()
    partner.press(words["change_plan"])
    partner.reads(words["plan_changed"])
    partner.check_layout()
    partner.follow(words["back"])
    partner.reads(words["log_in"], story.address("rose"))


def see_what_happened(client: Walker, story: Story) -> None:
    """Rows 6, 11 and 26: the client sees its larger plan and who changed it, and can change none itself."""
    words = story.words
    client.menu(words["visits"])
    client.reads(words["who_changed"], story.partner)
    client.check_layout()
    client.open("/account")
    client.reads(words["basic"])
    client.reads_not(words["over_limit"], words["show_price"], words["programme_name"])


def tidy(partner: Walker, story: Story) -> None:
    """Rows 27 to 31: deleted and restored, the list as a file, let go, another reseller merged, a regular account."""
    words, kontor = story.words, story.kontor
    partner.follow(words["delete"])
    partner.check_layout()
    partner.press(words["delete"])
    partner.reads(words["deleted"])
    partner.tick(words["state_deleted"])
    partner.press(words["show"])
    partner.press(words["restore"], of=story.client)
    partner.reads(words["restored"])
    with partner.page.expect_download() as download:
        partner.follow("CSV")
    assert story.address("rose") in Path(download.value.path()).read_text("utf-8-sig")
    partner.follow(f"Ancien {story.word}")
    partner.follow(words["disconnect"])
    partner.press(words["disconnect"])
    partner.reads(words["disconnected"])
    other = story.account(f"Autre {story.word}")
    kontor.api.ok(f"POST /v1/accounts/{other}/become-reseller")
    partner.menu(words["more"], words["merge"])
    partner.type(words["other_name"], f"Autre {story.word}")
    partner.type(words["other_password"], SECRET)
    partner.press(words["show_merge"])
    partner.check_layout()
    partner.press(words["merge_now"])
    partner.reads(words["merging"])
    kontor.settle()
    partner.menu(words["more"], words["stop"])
    partner.reads(words["let_go"], story.client)
    partner.check_layout()
    partner.press(words["stop"])
    partner.reads(words["stopped"])
