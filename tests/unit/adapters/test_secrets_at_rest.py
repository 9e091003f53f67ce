"""Secrets are encrypted with SECRET_KEY, passwords are hashed."""

import pytest

from adapters.passwords import Argon2Passwords
from adapters.sealer import BrokenSeal, FernetSealer, derived_key


def test_encrypted_secret_can_be_decrypted_and_is_never_the_same_text() -> None:
    sealer = FernetSealer("key")
    first, other = sealer.seal("whsec_ü"), sealer.seal("whsec_ü")
    assert first != other
    assert "whsec" not in first
    assert sealer.open(first) == sealer.open(other) == "whsec_ü"


@pytest.mark.parametrize("broken", ["", "whsec_plain", "kontor:1:", "kontor:1:AAAA"])
def test_foreign_text_cannot_be_decrypted(broken: str) -> None:
    with pytest.raises(BrokenSeal):
        FernetSealer("key").open(broken)


def test_other_key_or_changed_text_cannot_be_decrypted() -> None:
    sealed = FernetSealer("key").seal("secret")
    with pytest.raises(BrokenSeal):
        FernetSealer("other").open(sealed)
    with pytest.raises(BrokenSeal):
        FernetSealer("key").open(sealed[:-6] + "AAAAA=")


def test_each_purpose_has_its_own_key() -> None:
    assert derived_key("key", "one") != derived_key("key", "two")
    assert derived_key("key", "one") == derived_key("key", "one")
    with pytest.raises(ValueError, match="SECRET_KEY"):
        FernetSealer("")


def test_password_matches_its_hash_in_any_normal_form() -> None:
    passwords = Argon2Passwords.cheap()
    stored = passwords.hash("Pässword")
    assert passwords.verify(stored, "Pa\u0308ssword")
    assert not passwords.verify(stored, "Password")
    assert passwords.hash("Pässword") != stored


def test_no_password_matches_a_missing_or_broken_hash() -> None:
    passwords = Argon2Passwords.cheap()
    for stored in (None, "", "plain", "$argon2id$v=19$broken"):
        for typed in ("", "plain", "\ud800", "no account has this password \x00"):
            assert not passwords.verify(stored, typed)
