"""Every mail in every language."""

import re
from html.parser import HTMLParser
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from kontor.mailer.brand import Brand, image_path
from kontor.mailer.build import validate_facts
from kontor.mailer.formatting import LANGUAGES, LOCALES
from kontor.mailer.kinds import Audience
from kontor.mailer.registry import MAIL_KINDS
from kontor.mailer.render import TEMPLATES, Renderer, RenderInput
from kontor.mails.preview import SAMPLE_LINKS, sample_facts

TRANSLATED = [language for language in LANGUAGES if language != "en"]
METHODS = [("**.txt", "jinja2"), ("**.html", "jinja2"), ("**.jinja", "jinja2")]
CHANGE = "%(now)s {} → %(then)s (%(change)s)"
ALIKE = {"Total", "Licences", CHANGE.format("licence"), CHANGE.format("licences")}  # the same word in French
SAMPLES = sorted(sample_facts())


def messages() -> set[tuple[str, ...]]:
    """Every message of the templates: (message,) or (singular, plural)."""
    extracted = extract_from_dir(str(TEMPLATES), METHODS, directory_filter=lambda _: True)
    texts = (message if isinstance(message, tuple) else (message,) for _, _, message, _, _ in extracted)
    return {tuple(part for part in text[:2] if part) for text in texts}


def holes(text: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)s", text))


class Page(HTMLParser):
    """Collects tags and attributes as a mail reader sees them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "link", "img", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def having(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_every_mail_has_a_folder_with_its_parts_and_a_sample() -> None:
    paths = [path for path in TEMPLATES.iterdir() if path.is_dir() and path.name != "_base"]
    folders = {path.name: {part.name for part in path.iterdir()} for path in paths}
    assert sorted(folders) == sorted(MAIL_KINDS) == sorted(name for name, facts in sample_facts().items() if facts)
    assert all(parts == {"subject.txt", "letter.jinja"} for parts in folders.values())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SAMPLES)
def test_mail_renders_completely(build: Any, name: str, language: str) -> None:
    mail = build(name, language)
    assert mail.subject
    assert "\n" not in mail.subject
    for said in (mail.subject, mail.text, mail.html):
        assert "%(" not in said
        assert "{{" not in said
        assert "None" not in said
    page = Page(mail.html)
    assert page.open == []
    assert page.having("html") == [{"lang": language, "dir": "ltr"}]
    assert all(table.get("role") == "presentation" or table["class"] == "grid" for table in page.having("table"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_subject_of_a_mail_to_a_client_holds_no_text_of_a_resellers_choosing(build: Any, language: str) -> None:
    for name, kind in MAIL_KINDS.items():
        if kind.audience not in {Audience.ACCOUNT, Audience.CLIENT}:
            continue
        sample = sample_facts()[name]
        chosen = {fact: "Your parcel" for fact in ("account", "reseller", "message") if fact in sample}
        facts = chosen | ({"undeliverable_to": ""} if "undeliverable_to" in sample else {})
        brand = Brand("Your parcel", "https://learn.example")
        assert "parcel" not in build(name, language, facts, brand=brand).subject, name


@pytest.mark.parametrize("name", SAMPLES)
def test_links_appear_in_text_and_html(build: Any, name: str) -> None:
    mail = build(name)
    for link in MAIL_KINDS[name].required_links:
        url = f"https://learn.example{SAMPLE_LINKS[link]}"
        assert url in mail.text.split()
        assert {"href": url} in [{"href": a["href"]} for a in Page(mail.html).having("a")]


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_message_is_translated_with_the_same_placeholders_and_none_is_unused(language: str) -> None:
    with (LOCALES / language / "LC_MESSAGES" / "mail.po").open("rb") as source:
        catalogue = read_po(source, locale=language)
    said = {m.id if isinstance(m.id, tuple) else (m.id,): m for m in catalogue if m.id}
    assert said.keys() == messages()
    for text, message in said.items():
        forms = [str(form) for form in message.string or ()] if len(text) == 2 else [str(message.string)]
        assert len(forms) == (catalogue.num_plurals if len(text) == 2 else 1)
        assert not message.fuzzy
        for form in forms:
            assert form.strip()
            assert holes(form) == holes(str(text[-1]))
            letters = re.sub(r"%\(\w+\)s", "", form)
            assert form not in text or form in ALIKE or not re.search(r"[A-Za-z]{3}", letters)


@pytest.mark.parametrize("language", TRANSLATED)
@pytest.mark.parametrize("name", SAMPLES)
def test_no_english_sentence_remains_in_another_language(build: Any, name: str, language: str) -> None:
    english = {line for line in build(name).text.splitlines() if len(line.split()) > 3 and not line.startswith(">")}
    other = set(build(name, language).text.splitlines())
    assert english.isdisjoint(other)


@pytest.mark.parametrize(
    ("language", "forms"),
    [
        ("en", {1: "1 day", 3: "3 days", 21: "21 days", 0: "0 days"}),
        ("de", {1: "1 Tag", 3: "3 Tagen", 21: "21 Tagen"}),
        ("fr", {0: "0 jour", 1: "1 jour", 2: "2 jours"}),
        ("ru", {1: "1 день", 3: "3 дня", 5: "5 дней", 11: "11 дней", 21: "21 день", 112: "112 дней"}),
        ("ja", {1: "残り1日", 3: "残り3日"}),
    ],
)
def test_plurals_follow_the_language(build: Any, language: str, forms: dict[int, str]) -> None:
    for days, form in forms.items():
        subject = build("trial-reminder", language, {"days": days}).subject
        assert form in subject
        assert not re.search(re.escape(form) + r"[a-zа-я]", subject)


@pytest.mark.parametrize(
    ("language", "moment"),
    [
        ("en", "December 21, 2026 at 2:00\u00a0PM"),
        ("en-GB", "21 December 2026 at 14:00"),
        ("de", "21. Dezember 2026 um 14:00 Uhr (MEZ)"),
        ("fr", "21 décembre 2026 à 14:00"),
        ("ru", "21 декабря 2026\u202fг. в 14:00"),
        ("ja", "2026年12月21日 14:00"),
    ],
)
def test_times_are_formatted_for_the_language(build: Any, language: str, moment: str) -> None:
    assert moment in build("offer-received", language).text


@pytest.mark.parametrize(
    ("zone", "moment"),
    [
        ("Asia/Tokyo", "December 21, 2026 at 10:00\u00a0PM"),
        ("America/New_York", "December 21, 2026 at 8:00\u00a0AM (EST)"),
        ("Pacific/Kiritimati", "December 22, 2026 at 3:00\u00a0AM (UTC+14)"),
    ],
)
def test_times_are_in_the_time_zone_of_the_account(build: Any, zone: str, moment: str) -> None:
    assert moment in build("offer-received", timezone=zone).text


def test_first_of_a_month_is_an_ordinal_only_in_french(build: Any) -> None:
    first = {"resets_on": "2026-12-01"}
    assert "le 1er décembre 2026" in build("quota-warning", "fr", first).text
    assert "Am 1. Dezember 2026" in build("quota-warning", "de", first).text
    assert "le 11 décembre 2026" in build("quota-warning", "fr", {"resets_on": "2026-12-11"}).text


@pytest.mark.parametrize(
    ("language", "money"),
    [
        ("en", "€8.00"),
        ("de", "8,00\u00a0€"),
        ("fr", "8,00\u00a0€"),
        ("ru", "8,00\u00a0€"),
        ("ja", "€8.00"),
    ],
)
def test_money_is_formatted_for_the_language(build: Any, language: str, money: str) -> None:
    assert money in build("margin-note", language).text


def test_currency_code_is_separated_from_the_amount(build: Any) -> None:
    assert "RUB\u00a052,000.00" in build("tier-changed", "en").text
    assert "52\u00a0000,00\u00a0₽" in build("tier-changed", "ru").text


def test_unknown_locale_is_english_in_words_and_numbers(build: Any) -> None:
    mail = build("offer-received", "pl-PL")
    assert mail.subject == "You have received an offer"
    assert mail.envelope.language == "en"


def test_missing_fact_is_refused_when_the_mail_is_enqueued() -> None:
    for name, facts in sample_facts().items():
        schema = MAIL_KINDS[name].facts
        for field, described in schema.model_fields.items():
            if described.is_required():
                with pytest.raises(Exception, match="are invalid"):
                    validate_facts(name, {key: value for key, value in facts.items() if key != field})


def test_facts_are_unchanged_after_storing() -> None:
    for name, facts in sample_facts().items():
        checked = validate_facts(name, facts)
        assert validate_facts(name, checked.model_dump(mode="json")) == checked


def test_client_mail_never_names_kontor(build: Any) -> None:
    for name in SAMPLES:
        for language in LANGUAGES:
            mail = build(name, language)
            assert "kontor" not in (mail.subject + mail.text + mail.html).lower()


MARKUP = "<b onclick=x>&amp;</b><script>alert(1)</script>\r\nBcc: all@world.example\r\n\r\n--=_\x00\u202e{{ 7*7 }}%(x)s"


def test_user_text_is_escaped(build: Any) -> None:
    mail = build("offer-received", facts={"account": MARKUP, "message": MARKUP})
    assert "<script" not in mail.html
    assert "<b onclick" not in mail.html
    assert "&lt;b onclick=x&gt;&amp;amp;&lt;/b&gt;" in mail.html
    assert "{{ 7*7 }}%(x)s" in mail.text
    assert "\u202e" not in mail.html + mail.text
    assert Page(mail.html).open == []
    assert "> Bcc: all@world.example" in mail.text.splitlines()


def test_line_breaks_of_a_message_are_kept(build: Any) -> None:
    mail = build("offer-received", facts={"message": "one\r\ntwo\n\nthree"})
    assert "> one\n> two\n>\n> three\n" in mail.text
    assert "one<br>\ntwo<br>\n<br>\nthree" in mail.html


def test_logo_has_the_brand_name_as_alt_text(build: Any) -> None:
    brand = Brand('Nord "&" Licht', "https://x.example", logo=image_path("ab" * 32))
    images = Page(build("offer-received", brand=brand).html).having("img")
    assert [(image["alt"], image["src"]) for image in images] == [
        ('Nord "&" Licht', f"https://x.example/images/{'ab' * 32}.png")
    ]


def test_a_delivery_failure_states_its_cause_in_the_language_of_the_reader(build: Any) -> None:
    mail = build("delivery-failed", "de", {"error": "answered 401: no"})
    assert "Das System hat den Zugriff verweigert." in mail.text
    assert "> answered 401\n" in mail.text
    assert "answered 401: no" not in mail.text + mail.html
    assert "Das System hat" not in build("delivery-failed", "de", {"error": "lost with its worker"}).text


def test_only_japanese_mails_open_with_the_addressee(build: Any) -> None:
    named = build("offer-accepted", "ja", addressee="北極光")
    assert named.text.startswith("北極光 ご担当者様\nいつもお世話になっております。\n")
    assert "北極光 ご担当者様<br>" in named.html
    assert "ご担当者様" not in build("offer-accepted", "ja").text
    assert "北極光" not in build("offer-accepted", "de", addressee="北極光").text


def test_french_keeps_its_spaces_before_punctuation_on_the_line(build: Any) -> None:
    assert (
        build("quota-exceeded", "fr").subject
        == "Le compte «\u00a0Elbe Logistik\u00a0» a dépassé la limite de sa formule"
    )
    for name in SAMPLES:
        assert not re.search(r" [:;!?»]|« |\u00a0[;!?]", build(name, "fr", {}).text), name


def test_a_mail_may_have_a_shell_of_its_own(tmp_path: Path) -> None:
    copytree(TEMPLATES, tmp_path / "email")
    (tmp_path / "email" / "statement" / "body.txt").write_text("Plain: {{ subject }} {{ preheader is defined }}\n\nx")
    facts = validate_facts("statement", sample_facts()["statement"])
    data = RenderInput(
        MAIL_KINDS["statement"], Brand("Nordlicht", "https://learn.example"), "en", "Europe/Berlin", facts, {}
    )
    rendered = Renderer(tmp_path / "email").render(data)
    assert rendered.text == "Plain: Your statement for November 2026 False\n\nx\n"
    assert "<h1" in rendered.html
