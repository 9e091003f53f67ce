"""Routes of the API: a path without parameters is looked up first, and leads where the list of routes would."""

import pytest
from starlette.routing import Match

from kontor.http.routing import ExactRoutes, KontorRoute, flat
from workers.web_app import FAMILIES

ROUTES = flat(FAMILIES)
EXACT = [(method, route) for route in ROUTES if "{" not in route.path for method in sorted(route.methods or ())]


@pytest.mark.parametrize(("method", "route"), EXACT, ids=[f"{method} {route.path}" for method, route in EXACT])
def test_exact_route_is_the_one_that_the_list_leads_to(method: str, route: KontorRoute) -> None:
    scope = {"type": "http", "method": method, "path": route.path, "root_path": "", "headers": []}
    in_list = next(each for each in ROUTES if each.matches(scope)[0] is Match.FULL)
    match, child = ExactRoutes(ROUTES).matches(scope)

    assert (match, child["route"]) == (Match.FULL, in_list)


@pytest.mark.parametrize(
    ("method", "path"), [("HEAD", "/v1/jobs"), ("TRACE", "/v1/jobs"), ("POST", "/v1/jobs/"), ("GET", "/v1/jobs/x")]
)
def test_everything_else_is_left_to_the_list(method: str, path: str) -> None:
    scope = {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}
    assert ExactRoutes(ROUTES).matches(scope)[0] is Match.NONE
