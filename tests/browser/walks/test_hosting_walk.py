"""Seed 003: payments, the ladder of discounts, an order and its renewal, in Russian."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.browser.mail_pictures import chromium
from tests.browser.walks.conftest import Enter
from tests.browser.walks.walker import Kontor, Visitor, Walker
from tests.support.wiring import EXAMPLES

pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="needs a system Chromium (Debian: chromium)"),
    pytest.mark.timeout(300),
]
SECRET = "пароль для прогулки"
LARGE = '    price: "1490.00"\n'
MONTHLY = "    term: P1M\n    renewal: auto\n"


@pytest.fixture(scope="module", autouse=True)
def hosting(kontor: Kontor) -> None:
    """The programme; its large server is sold by the month."""
    kontor.apply("hosting", (EXAMPLES / "hosting.yaml").read_text().replace(LARGE, LARGE + MONTHLY))


def test_reseller_climbs_the_ladder_orders_and_renews(kontor: Kontor, enter: Enter, visitor: Visitor) -> None:
    name = f"Волга {visitor.width}{'' if visitor.scripts else ' без скриптов'}"
    reseller = kontor.account("hosting", name, SECRET)
    kontor.api.ok(f"POST /v1/accounts/{reseller}/become-reseller")
    pay(kontor, reseller, "3000")
    kontor.reach(a_month_after(kontor.clock.now()))
    pay(kontor, reseller, "49000")
    partner = enter("ru-RU", "partner")
    partner.sign_in("Имя аккаунта или адрес электронной почты", name, "Пароль", SECRET, "Войти")
    climb(partner, kontor, reseller)
    service = order(partner)
    renew(partner, service)
    partner.menu("Движение средств")
    partner.reads("ПЛ-", "49 000", "VPS большой x 1", "-1 206,90", "50 586,20")
    partner.check_layout()


def a_month_after(now: datetime) -> datetime:
    """Noon of the same day of the next month."""
    month = now.month % 12 + 1
    return datetime(now.year + (month == 1), month, now.day, 12, tzinfo=UTC)


def pay(kontor: Kontor, reseller: str, amount: str) -> None:
    """Record a payment, as the provider's billing does; everything that follows from it happens."""
    now = kontor.clock.now()
    body = {"amount": {"amount": amount, "currency": "RUB"}, "paid_at": now.isoformat(), "kind": "payment"}
    kontor.made += 1
    kontor.api.ok(f"POST /v1/resellers/{reseller}/payments", body | {"reference": f"ПЛ-{kontor.made}"})
    kontor.settle()


def climb(partner: Walker, kontor: Kontor, reseller: str) -> None:
    """Rows 46 to 50 and 54: tier and window, what leaves tomorrow, what a payment changes, how to stay."""
    partner.menu("Скидка")
    partner.reads("Партнёр № 8", "19 %", "52 000", "вы здесь", "Чтобы сохранить уровень, заплатите сегодня 1 000")
    partner.reads("Виртуальные серверы", "Начальный", "Партнёр № 16")
    partner.reads("Оборот по дням", "Завтра эти платежи уже не будут учитываться", "3 000", "Оплатить сейчас")
    partner.check_layout()
    partner.follow("Скидка по дням")
    partner.reads("Партнёр № 8", "52 000")
    partner.check_layout()
    partner.menu("Скидка")
    partner.type("Сумма, уплаченная сегодня (RUB)", "48000")
    partner.press("Рассчитать")
    partner.reads("21 %")
    partner.check_layout()
    pay(kontor, reseller, "1000")
    partner.menu("Скидка")
    partner.reads("53 000")
    partner.reads_not("Чтобы сохранить уровень")
    kontor.reach(kontor.clock.now() + timedelta(minutes=1))


def order(partner: Walker) -> str:
    """Rows 51 to 53: the price at the discount first, no promo code on top of it, then one press."""
    partner.menu("Заказы")
    partner.follow("Новый заказ")
    partner.choose("Продукт", "VPS большой")
    partner.type("Промокод", "WELCOME10")
    partner.press("Показать цену")
    partner.reads("1 490", "19 %", "1 206,90", "Доступно для заказов", "53 000")
    partner.reads("Промокод не действует: ваша скидка уже выше.")
    partner.check_layout()
    partner.press("Заказать")
    partner.reads("Заказ оформлен.", "VPS большой", "Активен")
    partner.check_layout()
    return partner.page.url


def renew(partner: Walker, service: str) -> None:
    """Row 52: another month at the discount."""
    partner.menu("Сервисы")
    partner.check_layout()
    partner.follow("VPS большой")
    assert partner.page.url == service.partition("?")[0]
    partner.press("Продлить")
    partner.reads("К оплате", "1 206,90")
    partner.check_layout()
    partner.press("Продлить сервис")
    partner.reads("Продление заказано.")
    partner.check_layout()
