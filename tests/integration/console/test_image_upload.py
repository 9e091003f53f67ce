"""Operators upload a brand's images: made again like fetched ones, polyglots, bombs and scripts refused or undone."""

from collections.abc import Callable
from io import BytesIO

import httpx
import pytest
from PIL import Image
from sqlalchemy import select

from kontor.accounts.image_coding import SOURCE_LIMIT
from models.accounts import BrandRow, ImageFile
from models.control import AuditEntry
from tests.support.api import Api, ResellerAccounts
from tests.support.console import ConsoleClient, unknown_id
from tests.unit.services.test_image_coding import SVG, bomb, encoded

As = Callable[[str], ConsoleClient]
PLAIN = encoded(Image.new("RGB", (40, 20), "#336699"), "PNG")
SCRIPT = b"<script>alert(1)</script>"


@pytest.fixture
def elbe(make_accounts: Callable[[str], ResellerAccounts]) -> ResellerAccounts:
    return make_accounts("elbe")


def upload(someone: ConsoleClient, account: object, content: bytes, **form: str) -> httpx.Response:
    """Post the form of the account's page; the file claims to be a harmless PNG."""
    fields = {"csrf": someone.fields("/console")["csrf"], "role": "logo", "reason": "sent by mail", **form}
    files = {"image": ("logo.png", content, "image/png")}
    return someone.http.post(f"/console/accounts/{account}/image", data=fields, files=files)


def stored(api: Api) -> list[bytes]:
    with api.deps.sessions() as session:
        return list(session.scalars(select(ImageFile.content)))


def test_uploaded_logo_is_in_force_made_again_and_recorded(signed_in: As, api: Api, elbe: ResellerAccounts) -> None:
    api.ok(f"PUT /v1/accounts/{elbe.reseller}/brand", {"name": "Elbe courses"})
    someone = signed_in("operator")
    assert upload(someone, elbe.reseller, PLAIN + SCRIPT).headers["location"].endswith("?done=image")
    brand = api.ok(f"GET /v1/accounts/{elbe.reseller}/brand")
    [content] = stored(api)
    assert (b"script" in content, Image.open(BytesIO(content)).size) == (False, (40, 20))
    assert (brand["name"], brand["logo"], brand["images"][0]["state"]) == ("Elbe courses", brand["logo_url"], "ready")
    assert api.http.get(httpx.URL(brand["logo"]).path).content == content
    with api.deps.sessions() as session:
        row = session.scalars(select(AuditEntry).where(AuditEntry.action == "console.upload_image")).one()
        assert (row.actor, row.reason, row.target) == (
            "operator:operator@kontor.example", "sent by mail", f"account:{elbe.reseller}",
        )  # fmt: skip
    assert "Upload" in someone.get(f"/console/accounts/{elbe.reseller}").text


def test_file_is_refused_and_nothing_kept_when_it_is_no_safe_picture(
    signed_in: As, api: Api, elbe: ResellerAccounts
) -> None:
    someone = signed_in("operator")
    for content, words in (
        (SVG, "Choose a PNG"),
        (SCRIPT, "Choose a PNG"),
        (b"", "Choose a PNG"),
        (b"GIF89a/*" + SCRIPT, 'role="alert"'),
        (bomb(40_000, 40_000), "too large"),
    ):
        refused = upload(someone, elbe.reseller, content)
        assert (refused.status_code, words in refused.text) == (422, True), (content[:20], refused.status_code)
    assert upload(someone, elbe.reseller, bytes(SOURCE_LIMIT + 1)).status_code == 413
    assert stored(api) == []
    with api.deps.sessions() as session:
        assert session.scalars(select(BrandRow)).all() == []


def test_upload_is_for_operators_with_their_own_form_on_branded_accounts(
    signed_in: As, api: Api, elbe: ResellerAccounts
) -> None:
    someone = signed_in("operator")
    assert upload(someone, elbe.client, PLAIN, role="favicon").status_code == 303
    assert upload(someone, elbe.client, PLAIN, csrf="foreign").status_code == 403
    assert upload(someone, elbe.client, PLAIN, role="name").status_code == 404
    assert upload(someone, unknown_id(), PLAIN).status_code == 404
    alone = {"programme": "learning", "name": "Alone", "admin_email": "alone@shop.example"}
    assert upload(someone, api.ok("POST /v1/accounts", alone)["id"], PLAIN).status_code == 404
    two = [("image", ("a.png", PLAIN, "image/png"))] * 2
    fields = {"csrf": someone.fields("/console")["csrf"], "role": "logo"}
    assert someone.http.post(f"/console/accounts/{elbe.client}/image", data=fields, files=two).status_code == 403
    assert someone.http.post("/console/bulk", data=fields, files=two[:1]).status_code == 403


def test_viewer_uploads_nothing(signed_in: As, api: Api, elbe: ResellerAccounts) -> None:
    assert upload(signed_in("viewer"), elbe.reseller, PLAIN).status_code == 403
    assert stored(api) == []
