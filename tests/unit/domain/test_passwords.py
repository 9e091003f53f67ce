"""A new password is long, and none of the commonest."""

import pytest

from kontor.kernel.errors import Invalid
from kontor.kernel.ports import PASSWORD_MIN, frequent_passwords, validate_password


@pytest.mark.parametrize("password", ["", "password", "elevenchars", "x" * 201, "qwertyuiop123", "1Q2W3E4R5T6Y"])
def test_password_is_refused_when_short_long_or_frequent(password: str) -> None:
    with pytest.raises(Invalid) as refused:
        validate_password(password, "new_password")
    assert [error.loc for error in refused.value.errors] == ["new_password"]


@pytest.mark.parametrize("password", ["twelve chars", "パスワードは十二文字です", "words without a digit"])
def test_password_needs_no_kind_of_character(password: str) -> None:
    assert validate_password(password) == password


def test_list_holds_only_passwords_that_are_long_enough() -> None:
    assert all(len(password) >= PASSWORD_MIN for password in frequent_passwords())
    assert len(frequent_passwords()) > 300
