"""Secrets are encrypted with SECRET_KEY, passwords are hashed."""

import pytest

from kontor.adapters.secrets import Argon2Passwords, DataKeyBox, DerivedKeys, FernetSecretBox, derive_key
from kontor.kernel.data_keys import DecryptionError, KeyPurpose


def test_encrypted_secret_can_be_decrypted_and_is_never_the_same_text() -> None:
    secret_box = FernetSecretBox("key")
    first, other = secret_box.seal("whsec_ü"), secret_box.seal("whsec_ü")
    assert first != other
    assert "whsec" not in first
    assert secret_box.open(first) == secret_box.open(other) == "whsec_ü"


@pytest.mark.parametrize("broken", ["", "whsec_plain", "kontor:1:", "kontor:1:AAAA"])
def test_foreign_text_cannot_be_decrypted(broken: str) -> None:
    with pytest.raises(DecryptionError):
        FernetSecretBox("key").open(broken)


def test_other_key_or_changed_text_cannot_be_decrypted() -> None:
    sealed = FernetSecretBox("key").seal("secret")
    with pytest.raises(DecryptionError):
        FernetSecretBox("other").open(sealed)
    with pytest.raises(DecryptionError):
        FernetSecretBox("key").open(sealed[:-6] + "AAAAA=")


def test_each_purpose_has_its_own_key() -> None:
    assert derive_key("key", "one") != derive_key("key", "two")
    assert derive_key("key", "one") == derive_key("key", "one")
    with pytest.raises(ValueError, match="SECRET_KEY"):
        FernetSecretBox("")


def test_secret_sealed_by_a_former_key_is_opened_while_that_key_is_listed() -> None:
    sealed = FernetSecretBox("former").seal("secret")
    assert DataKeyBox(DerivedKeys("any"), ("newest", "former")).open(sealed) == "secret"
    with pytest.raises(DecryptionError):
        DataKeyBox(DerivedKeys("any"), ("newest",)).open(sealed)


def test_secret_sealed_by_the_data_key_needs_no_former_key() -> None:
    sealed = DataKeyBox(DerivedKeys("one"), ("former",)).seal("secret")
    assert DataKeyBox(DerivedKeys("one"), ("newest",)).open(sealed) == "secret"
    with pytest.raises(DecryptionError):
        DataKeyBox(DerivedKeys("two"), ("former",)).open(sealed)


def test_each_purpose_has_a_data_key_of_its_own() -> None:
    assert len({DerivedKeys("one").key(purpose) for purpose in KeyPurpose}) == len(KeyPurpose)


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
