"""Settings of the identity provider."""

import pytest

from kontor.adapters.settings import SettingsError, load, provider_settings
from kontor.kernel.identity import best_role, parse_roles


def test_roles_of_claims_are_parsed_and_the_best_one_counts() -> None:
    roles = parse_roles("ops=operator, cn=leads;dc=x=admin")
    assert roles == {"ops": "operator", "cn=leads;dc=x": "admin"}
    assert best_role(roles, ("ops", "cn=leads;dc=x", "staff")) == "admin"
    assert best_role(roles, ("staff",)) is None


@pytest.mark.parametrize("text", ["", "ops", "ops=king", "=admin"])
def test_malformed_roles_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="viewer, operator or admin"):
        parse_roles(text)


def test_provider_needs_a_client_id_and_https(monkeypatch: pytest.MonkeyPatch) -> None:
    assert provider_settings(load()) is None
    monkeypatch.setenv("OIDC_ISSUER", "http://login.example")
    with pytest.raises(SettingsError, match="OIDC_ISSUER is malformed: use https"):
        load()
    monkeypatch.setenv("OIDC_ISSUER", "https://login.example/realm")
    with pytest.raises(SettingsError, match="OIDC_CLIENT_ID is missing"):
        provider_settings(load())
    monkeypatch.setenv("OIDC_CLIENT_ID", "kontor")
    monkeypatch.setenv("OIDC_CLIENT_SECRET", "geheim")
    monkeypatch.setenv("OIDC_ROLES", "ops=operator")
    settings = provider_settings(load())
    assert settings is not None
    assert (settings.issuer, settings.roles) == ("https://login.example/realm", {"ops": "operator"})
    assert "geheim" not in repr(settings) + repr(load())
