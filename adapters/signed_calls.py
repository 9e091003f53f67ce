"""Standard Webhooks 1.0: headers and signatures for outgoing calls."""

from __future__ import annotations

from standardwebhooks.webhooks import Webhook

from domain.calling import Call
from domain.ports import Clock, HttpReply, HttpSender


class SignedCalls:
    """Implements domain.calling.CallSender: signs with every valid secret and the real time."""

    def __init__(self, http: HttpSender, clock: Clock) -> None:
        self._http = http
        self._clock = clock

    def send(self, call: Call) -> HttpReply:
        """Sign and POST once. Raises Unreachable or Invalid(`forbidden_address`)."""
        return self._http.post(call.url, call.body, self._headers(call))

    def _headers(self, call: Call) -> dict[str, str]:
        now = self._clock.real()
        text = call.body.decode()
        signatures = [Webhook(secret).sign(call.webhook_id, now, text) for secret in call.secrets]
        return {
            "Content-Type": "application/json",
            "webhook-id": call.webhook_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signatures),
        }
