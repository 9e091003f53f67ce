"""OpenID Connect: authorization code with PKCE; the ID token's signature and claims are verified (by joserfc)."""

import base64
import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlencode

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from kontor.kernel.identity import (
    AuthorizationRequest,
    Identity,
    IdentityRefused,
    ProviderSettings,
    best_role,
)

DISCOVERY: Final = "/.well-known/openid-configuration"
SECONDS: Final = 5.0
LEEWAY: Final = timedelta(seconds=60)
ALGORITHMS: Final = [
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "Ed25519",
    "EdDSA",
]
"""Signatures by the provider's key alone: never `none`, never one that the client's secret makes."""


class OidcProvider:
    """Implements kontor.kernel.identity.IdentityProvider. Keeps nothing: keys are fetched for each sign-in."""

    def __init__(self, settings: ProviderSettings, wall_time: Callable[[], datetime]) -> None:
        self._settings, self._wall_time = settings, wall_time

    @property
    def issuer(self) -> str:
        """The provider's identifier."""
        return self._settings.issuer

    def authorization_url(self, request: AuthorizationRequest, *, again: bool) -> str:
        """Return where the browser signs in. Raises IdentityRefused."""
        query = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": request.redirect_uri,
            "scope": "openid email profile",
            "state": request.state,
            "nonce": request.nonce,
            "code_challenge": challenge_of(request.verifier),
            "code_challenge_method": "S256",
            **({"prompt": "login"} if again else {}),
        }
        with self._client() as client:
            endpoint = self._discover(client, "authorization_endpoint")
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    def identity(self, request: AuthorizationRequest, code: str) -> Identity:
        """Exchange the code and verify the ID token. Raises IdentityRefused."""
        with self._client() as client:
            document = self._configuration(client)
            token = self._exchange(client, document, request, code)
            keys = self._json(client.build_request("GET", _text(document, "jwks_uri")), client)
        return self._verified(token, keys, request.nonce)

    def role_of(self, identity: Identity) -> str | None:
        """Return the best role that the claims give."""
        return best_role(self._settings.roles, identity.roles)

    def _client(self) -> httpx.Client:
        return httpx.Client(timeout=SECONDS, follow_redirects=False)

    def _configuration(self, client: httpx.Client) -> dict[str, Any]:
        url = self._settings.issuer.rstrip("/") + DISCOVERY
        document = self._json(client.build_request("GET", url), client)
        if document.get("issuer") != self._settings.issuer:
            raise IdentityRefused("The provider names another issuer than OIDC_ISSUER.")
        return document

    def _discover(self, client: httpx.Client, name: str) -> str:
        return _text(self._configuration(client), name)

    def _exchange(
        self, client: httpx.Client, document: dict[str, Any], request: AuthorizationRequest, code: str
    ) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": request.redirect_uri,
            "code_verifier": request.verifier,
            "client_id": self._settings.client_id,
        }
        methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        secret, auth = self._settings.client_secret, None
        if secret is not None and "client_secret_basic" in methods:
            auth = httpx.BasicAuth(_quoted(self._settings.client_id), _quoted(secret))
        elif secret is not None:
            form["client_secret"] = secret
        posted = client.build_request("POST", _text(document, "token_endpoint"), data=form)
        return _text(self._json(posted, client, auth), "id_token")

    def _json(
        self, request: httpx.Request, client: httpx.Client, auth: httpx.BasicAuth | None = None
    ) -> dict[str, Any]:
        try:
            answer = client.send(request, auth=auth)
            document = answer.json() if answer.status_code == httpx.codes.OK else None
        except (httpx.HTTPError, ValueError) as error:
            raise IdentityRefused(f"The provider did not answer: {type(error).__name__}.") from None
        if not isinstance(document, dict):
            raise IdentityRefused(f"The provider answered {answer.status_code} at {request.url.path}.")
        return document

    def _verified(self, token: str, keys: dict[str, Any], nonce: str) -> Identity:
        try:
            claims = jwt.decode(token, KeySet.import_key_set(keys), algorithms=ALGORITHMS).claims  # type: ignore[arg-type]  # a dict of JSON
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise IdentityRefused(f"The ID token is not signed by the provider: {type(error).__name__}.") from None
        problem = self._problem(claims, nonce)
        if problem is not None:
            raise IdentityRefused(f"The ID token is not valid: {problem}.")
        values = claims.get(self._settings.role_claim, ())
        roles = (values,) if isinstance(values, str) else tuple(str(value) for value in values or ())
        verified = claims.get("email_verified") is True
        return Identity(str(claims["sub"]), str(claims.get("email", "")), verified, roles)

    def _problem(self, claims: dict[str, Any], nonce: str) -> str | None:
        """Return why the claims are not valid for this sign-in (OpenID Connect Core 3.1.3.7)."""
        audience, now = claims.get("aud"), self._wall_time()
        audiences = [audience] if isinstance(audience, str) else list(audience or ())
        ours = self._settings.client_id
        checks = (
            (claims.get("iss") == self._settings.issuer, "another issuer"),
            (ours in audiences, "for another client"),
            (len(audiences) == 1 or claims.get("azp") == ours, "authorized for another client"),
            (_number(claims, "exp") > (now - LEEWAY).timestamp(), "expired"),
            (_number(claims, "iat") < (now + LEEWAY).timestamp(), "issued in the future"),
            (hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()), "of another sign-in"),
            (bool(claims.get("sub")), "without a subject"),
        )
        return next((problem for holds, problem in checks if not holds), None)


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636)."""
    return base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _text(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise IdentityRefused(f"The provider's answer has no {name}.")
    return value


def _number(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    return float(value) if isinstance(value, int | float) else float("nan")


def _quoted(text: str) -> str:
    """Return a part of HTTP Basic as OAuth encodes it (RFC 6749, 2.3.1)."""
    return urlencode({"": text})[1:]
