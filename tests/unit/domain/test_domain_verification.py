"""A domain is verified by its own TXT record only."""

from kontor.kernel.ports import is_verified, txt_name, txt_value


def test_own_record_verifies_the_domain() -> None:
    assert txt_name("shop.example") == "_kontor.shop.example"
    assert is_verified("abc", ["v=spf1 -all", txt_value("abc")])


def test_other_or_missing_record_does_not_verify() -> None:
    assert not is_verified("abc", [])
    assert not is_verified("abc", [txt_value("abd"), "abc", txt_value("abc") + "d"])
