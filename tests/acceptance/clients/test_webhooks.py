"""Verification of webhooks in the Python client, against Kontor's own signatures."""

import base64
import json
import secrets
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from kontor_client import NotVerified, Seen, Webhooks
from kontor_client.webhooks import sign

SECRET, OLD_SECRET = (f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}" for _ in range(2))
NOW = 1_800_000_000
BODY = json.dumps({"type": "service.active", "timestamp": "2027-01-15T08:00:00Z", "data": {"host": "Zürich"}}).encode()


def webhooks(*names: str, at: float = NOW) -> Webhooks:
    """Return a receiver whose clock stands."""
    return Webhooks(*names, clock=lambda: at)


def headers(*signers: str, sent_at: int = NOW, body: bytes = BODY) -> dict[str, str]:
    """Return the headers as the reference library makes them, by each secret."""
    at = datetime.fromtimestamp(sent_at, UTC)
    signatures = [Webhook(secret).sign("evt_1", at, body.decode()) for secret in signers]
    named = {"webhook-id": "evt_1", "webhook-timestamp": str(sent_at), "webhook-signature": " ".join(signatures)}
    assert sign(signers, "evt_1", sent_at, body) == named
    return named


@pytest.mark.parametrize(
    ("known_to_receiver", "signers"),
    [((SECRET,), (SECRET,)), ((SECRET,), (SECRET, OLD_SECRET)), ((OLD_SECRET, SECRET), (SECRET,))],
)
def test_message_is_verified_when_any_signature_fits_any_secret(
    known_to_receiver: tuple[str, ...], signers: tuple[str, ...]
) -> None:
    message = webhooks(*known_to_receiver).verify(headers(*signers), BODY)
    assert (message.id, message.type, message.data) == ("evt_1", "service.active", {"host": "Zürich"})


def test_message_is_refused_when_secret_body_or_age_do_not_fit() -> None:
    receiver, good = webhooks(SECRET), headers(SECRET)
    for wrong, body in (
        (headers(OLD_SECRET), BODY),
        (good, BODY.replace(b"active", b"failed")),
        (good | {"webhook-id": "evt_2"}, BODY),
        (good | {"webhook-signature": ""}, BODY),
        (good | {"webhook-timestamp": "soon"}, BODY),
        ({name: value for name, value in good.items() if name != "webhook-id"}, BODY),
    ):
        with pytest.raises(NotVerified):
            receiver.verify(wrong, body)
    for clock in (NOW + 301, NOW - 301):
        with pytest.raises(NotVerified):
            webhooks(SECRET, at=clock).verify(good, BODY)
    titled = {name.title(): value for name, value in good.items()}
    assert webhooks(SECRET, at=NOW + 299).verify(titled, BODY).id == good["webhook-id"]


def test_repeated_message_is_noticed() -> None:
    seen = Seen(size=2)
    assert [seen.first(each) for each in ("a", "b", "a", "c", "b", "a")] == [True, True, False, True, True, True]
