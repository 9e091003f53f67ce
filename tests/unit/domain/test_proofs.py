"""A domain is proven by the TXT record that was asked for, and by no other."""

from domain.proofs import is_proven, txt_name, txt_value


def test_the_record_that_was_asked_for_proves() -> None:
    assert txt_name("shop.example") == "_kontor.shop.example"
    assert is_proven("abc", ["v=spf1 -all", txt_value("abc")])


def test_another_token_or_none_proves_nothing() -> None:
    assert not is_proven("abc", [])
    assert not is_proven("abc", [txt_value("abd"), "abc", txt_value("abc") + "d"])
