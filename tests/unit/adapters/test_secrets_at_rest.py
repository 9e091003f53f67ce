"""Secrets are sealed with SECRET_KEY, passwords hashed beyond recovery."""

import pytest

from adapters.passwords import Argon2Passwords
from adapters.sealer import BrokenSeal, FernetSealer, derived_key


def test_what_is_sealed_opens_again_and_never_looks_the_same() -> None:
    sealer = FernetSealer("key")
    one, other = sealer.seal("whsec_ü"), sealer.seal("whsec_ü")
    assert one != other
    assert "whsec" not in one
    assert sealer.open(one) == sealer.open(other) == "whsec_ü"


@pytest.mark.parametrize("broken", ["", "whsec_plain", "kontor:1:", "kontor:1:AAAA"])
def test_what_was_not_sealed_here_does_not_open(broken: str) -> None:
    with pytest.raises(BrokenSeal):
        FernetSealer("key").open(broken)


def test_another_key_or_a_changed_text_does_not_open() -> None:
    sealed = FernetSealer("key").seal("secret")
    with pytest.raises(BrokenSeal):
        FernetSealer("other").open(sealed)
    with pytest.raises(BrokenSeal):
        FernetSealer("key").open(sealed[:-6] + "AAAAA=")


def test_each_purpose_has_a_key_of_its_own() -> None:
    assert derived_key("key", "one") != derived_key("key", "two")
    assert derived_key("key", "one") == derived_key("key", "one")
    with pytest.raises(ValueError, match="SECRET_KEY"):
        FernetSealer("")


def test_a_password_fits_its_hash_in_any_normal_form() -> None:
    passwords = Argon2Passwords.cheap()
    stored = passwords.hash("Pässword")
    assert passwords.verify(stored, "Pa\u0308ssword")
    assert not passwords.verify(stored, "Password")
    assert passwords.hash("Pässword") != stored


def test_no_password_fits_nobody_or_a_broken_hash() -> None:
    passwords = Argon2Passwords.cheap()
    for stored in (None, "", "plain", "$argon2id$v=19$broken"):
        for typed in ("", "plain", "\ud800", "no account has this password \x00"):
            assert not passwords.verify(stored, typed)
