"""HTTP to addresses that customers named: one signed POST or one GET, one bounded answer."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping

import httpcore
from standardwebhooks.webhooks import Webhook

from kontor.adapters.network import Deadline, PinnedBackend
from kontor.adapters.resolver import Names
from kontor.kernel.errors import Invalid, Unreachable
from kontor.kernel.ports import BODY_LIMIT, TIME_OUT, AddressCheck, Clock, HttpReply, HttpSender, OutgoingCall, Resolve

USER_AGENT = "Kontor/1"


class PinnedHttp:
    """Implements HttpSender and HttpReader of kontor.kernel.ports; pools connections.

    Follows no redirects, ignores proxy variables.
    `allowed` checks every resolved address; `plain_http` permits `http` and any port; `resolve` is by default the
    resolver of this process.
    """

    def __init__(
        self,
        allowed: AddressCheck,
        *,
        plain_http: bool = False,
        resolve: Resolve | None = None,
        time_out: float = TIME_OUT,
        ssl_context: ssl.SSLContext | None = None,
        connections: int = 64,
    ) -> None:
        self._plain_http = plain_http
        self._time_out = time_out
        self._deadline = Deadline()
        self._names = Names()
        network = PinnedBackend(allowed, resolve or self._names.resolve, self._deadline)
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl_context,
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=5.0,
            network_backend=network,
        )

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpReply:
        """POST once, within 15 s in total. Raises Unreachable or Invalid(`forbidden_address`)."""
        return self._call("POST", url, body, headers, BODY_LIMIT)

    def get(self, url: str, limit: int) -> HttpReply:
        """GET once, within 15 s in total. Raises Unreachable or Invalid(`forbidden_address`)."""
        return self._call("GET", url, b"", {"Accept": "image/*"}, limit)

    def close(self) -> None:
        """Close the pooled connections."""
        self._pool.close()
        self._names.close()

    def _call(self, method: str, url: str, body: bytes, headers: Mapping[str, str], limit: int) -> HttpReply:
        if not url.startswith("https://") and not (self._plain_http and url.startswith("http://")):
            raise Invalid("forbidden_address", "Only https addresses are called.")
        self._deadline.start(self._time_out)
        try:
            return self._exchange(method, url, body, {"User-Agent": USER_AGENT, **headers}, limit)
        except (httpcore.ConnectTimeout, httpcore.PoolTimeout) as error:
            raise Unreachable(f"no connection in {self._time_out:g} s", timed_out=True, sent=False) from error
        except httpcore.TimeoutException as error:
            raise Unreachable(f"no answer in {self._time_out:g} s", timed_out=True) from error
        except httpcore.ConnectError as error:
            raise Unreachable(f"no connection: {error}", sent=False) from error
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise Unreachable(f"the connection broke: {error}") from error
        except httpcore.UnsupportedProtocol as error:
            raise Invalid("forbidden_address", f"{url!r} cannot be called.") from error

    def _exchange(self, method: str, url: str, body: bytes, headers: Mapping[str, str], limit: int) -> HttpReply:
        limits = {"pool": self._time_out}
        pairs = list(headers.items())
        with self._pool.stream(method, url, headers=pairs, content=body, extensions={"timeout": limits}) as reply:
            names = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in reply.headers}
            return HttpReply(reply.status, names, _first(reply.iter_stream(), limit))


class HandlerHttp:
    """Implements kontor.kernel.ports.HttpSender for handlers: `http` leads to addresses of `inside` alone.

    `public` and `inside` check every resolved address.
    """

    def __init__(self, public: AddressCheck, inside: AddressCheck) -> None:
        self._encrypted = PinnedHttp(lambda address: public(address) or inside(address))
        self._plain = PinnedHttp(inside, plain_http=True)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpReply:
        """POST once. Raises Unreachable or Invalid(`forbidden_address`)."""
        return (self._encrypted if url.startswith("https://") else self._plain).post(url, body, headers)


def _first(chunks: Iterable[bytes], limit: int) -> bytes:
    """Return the first `limit` bytes; the rest stays unread."""
    body = b""
    for chunk in chunks:
        body += chunk
        if len(body) >= limit:
            return body[:limit]
    return body


class SignedCalls:
    """Implements kontor.kernel.ports.CallSender: signs with every valid secret and the real time."""

    def __init__(self, http: HttpSender, clock: Clock) -> None:
        self._http = http
        self._clock = clock

    def send(self, call: OutgoingCall) -> HttpReply:
        """Sign and POST once. Raises Unreachable or Invalid(`forbidden_address`)."""
        return self._http.post(call.url, call.body, self._headers(call))

    def _headers(self, call: OutgoingCall) -> dict[str, str]:
        now = self._clock.wall_time()
        text = call.body.decode()
        signatures = [Webhook(secret).sign(call.webhook_id, now, text) for secret in call.secrets]
        return {
            "Content-Type": "application/json",
            "webhook-id": call.webhook_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signatures),
        }
