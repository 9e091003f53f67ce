"""A small OpenID Connect provider: signs in whoever asks, and can be told to answer wrongly."""

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

from fastapi import FastAPI, Request
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from starlette.responses import JSONResponse, RedirectResponse, Response

from kontor.adapters.fakes import ManualClock
from tests.support.api import running_server

CLIENT_ID, CLIENT_SECRET = "kontor", "a secret: of the client"


@dataclass
class Provider:
    """Its person, and what it does wrong. `claims` replace those of the ID token."""

    clock: ManualClock
    issuer: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "1"}, private=True))
    signing_key: ECKey | None = None
    token: str | None = None
    requests: dict[str, Mapping[str, str]] = field(default_factory=dict)
    asked: list[Mapping[str, str]] = field(default_factory=list)

    def app(self) -> FastAPI:
        """The provider's pages."""
        app = FastAPI()
        app.add_api_route("/.well-known/openid-configuration", self.discovery)
        app.add_api_route("/authorize", self.authorize)
        app.add_api_route("/token", self.exchange, methods=["POST"])
        app.add_api_route("/jwks", self.jwks)
        return app

    def discovery(self) -> JSONResponse:
        """The discovery document."""
        pages = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks"}
        return JSONResponse({"issuer": self.issuer, **{name: f"{self.issuer}/{page}" for name, page in pages.items()}})

    def authorize(self, request: Request) -> Response:
        """Sign in at once, and send the browser back with a code."""
        query, code = dict(request.query_params), uuid4().hex
        self.asked.append(query)
        self.requests[code] = query
        return RedirectResponse(f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}")

    async def exchange(self, request: Request) -> Response:
        """Give an ID token for a code, once, to the client that has secret and verifier."""
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        query = self.requests.pop(form.get("code", ""), None)
        basic = base64.b64encode(f"{CLIENT_ID}:{urlencode({'': CLIENT_SECRET})[1:]}".encode()).decode()
        if query is None or request.headers.get("authorization") != f"Basic {basic}":
            return JSONResponse({"error": "invalid_grant"}, 400)
        challenge = base64.urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        if challenge != query["code_challenge"] or form["redirect_uri"] != query["redirect_uri"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse({"id_token": self.token or self.signed(query["nonce"]), "token_type": "Bearer"})

    def jwks(self) -> JSONResponse:
        """The public keys."""
        return JSONResponse(KeySet([self.key]).as_dict(private=False))

    def signed(self, nonce: str) -> str:
        """An ID token for the client."""
        now = int(self.clock.wall_time().timestamp())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": "anna-1",
            "email": "anna@kontor.example",
            "email_verified": True,
            "role": ["staff", "operator"],
            "nonce": nonce,
            "iat": now,
            "exp": now + 300,
            **self.claims,
        }
        return jwt.encode({"alg": "ES256", "kid": "1"}, claims, self.signing_key or self.key)


@contextmanager
def running_provider(clock: ManualClock) -> Iterator[Provider]:
    """Serve a provider while the block runs."""
    provider = Provider(clock)
    with running_server(provider.app()) as url:
        provider.issuer = url
        yield provider


def path_of(url: str) -> str:
    """Path and query of a URL."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"
