"""What no answer gives away, and requests whose end can be read in two ways."""

from urllib.parse import urlsplit

import pytest

from tests.attack.answers import FILES, FOREIGN_PAGE, SMUGGLED, exchange, is_refused
from tests.support.api import Api


@pytest.mark.parametrize("word", ["length and chunks", "a chunk size out of range"])
def test_refusal_is_recognised_by_its_one_answer(word: str) -> None:
    assert word in SMUGGLED
    refused, hidden = b"HTTP/1.1 400 Bad Request\r\n\r\n", b"HTTP/1.1 404 Not Found\r\n\r\n"
    assert (is_refused(refused), is_refused(refused + hidden), is_refused(hidden.replace(b"404", b"202"))) == (
        True, False, False,
    )  # fmt: skip


def test_no_request_is_answered_when_it_hides_behind_one_with_two_ends(api: Api) -> None:
    parts = urlsplit(str(api.http.base_url))
    assert parts.hostname is not None
    assert parts.port is not None
    received = {word: exchange(parts.hostname, parts.port, sent) for word, sent in SMUGGLED.items()}
    assert {word: answer for word, answer in received.items() if not is_refused(answer)} == {}


def test_no_file_no_listing_and_no_other_site_is_served(api: Api) -> None:
    assert {path: status for path in FILES if (status := api.http.get(path).status_code) not in {400, 404, 405}} == {}
    for path in ("/v1/jobs", "/openapi.json", "/console/login", "/healthz"):
        answer = api.http.get(path, headers={"Origin": FOREIGN_PAGE})
        assert [name for name in answer.headers if name.startswith("access-control")] == []
        preflight = api.http.request("OPTIONS", path, headers={"Origin": FOREIGN_PAGE})
        assert [name for name in preflight.headers if name.startswith("access-control")] == []
