"""Declare routes: FastAPI documents them, the pipeline runs them."""

from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import UnionType
from typing import Any, Final, TypeVar

from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from kontor.http.context import RoutePolicy
from kontor.http.endpoint_spec import EndpointSpec, Precheck
from kontor.http.pipeline import Pipeline
from kontor.http.responses import MEDIA, ApiResponse

WRITING: Final = frozenset({"PATCH", "PUT", "DELETE"})
"""Methods that may be conditional: If-Match."""
PROBLEM: Final = {"$ref": "#/components/schemas/ProblemOut"}
F = TypeVar("F", bound=Callable[..., ApiResponse | BaseModel])
DESCRIPTIONS: Final[Mapping[int, str]] = {
    401: "The API key is missing or invalid: `unauthorized`.",
    403: "The key does not have permission.",
    404: "The resource does not exist or is not visible to the caller.",
    408: "The request body did not arrive in time: `request_timeout`.",
    409: "The request conflicts with the current state.",
    412: "The resource has changed since the ETag of If-Match: `precondition_failed`.",
    413: "The request body is too large: `too_large`.",
    415: "The body has an encoding other than gzip: `unsupported_encoding`.",
    422: "The request is well-formed but invalid.",
    429: "Too many attempts or requests: `locked`, `too_many`, with `Retry-After`.",
    503: "The database does not respond: `unavailable`.",
}


class KontorRoute(APIRoute):
    """A route whose requests run through the pipeline instead of FastAPI's own handler."""

    def __init__(self, path: str, endpoint: Callable[..., Any], *, spec: EndpointSpec, **options: Any) -> None:
        self.spec = spec
        self.allowed: frozenset[str] = frozenset()
        self.current: EndpointSpec | None = None
        super().__init__(path, endpoint, **options)
        self.app = self._run

    @cached_property
    def pipeline(self) -> Pipeline:
        """What runs the requests of this route, once `flat` has completed it."""
        return Pipeline(self.spec, self.current)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the pipeline of this route."""
        return Pipeline(self.spec).handle

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match a HEAD as the GET of its path."""
        return super().matches({**scope, "method": "GET"} if scope.get("method") == "HEAD" else scope)

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the pipeline; skips FastAPI's dependency handling, which no route uses."""
        response = await self.pipeline.handle(Request(scope, receive, send))
        if scope["method"] == "HEAD":
            response = bodiless(response)
        await response(scope, receive, send)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the route; answer 405 with the allowed methods of the path for another method."""
        if ("GET" if scope["method"] == "HEAD" else scope["method"]) not in (self.methods or ()):
            raise HTTPException(405, headers={"Allow": ", ".join(sorted(self.allowed))})
        await self.app(scope, receive, send)


class ExactRoutes(BaseRoute):
    """Finds a route whose path has no parameter at once, where the router would try every route before it."""

    def __init__(self, routes: Iterable[KontorRoute]) -> None:
        exact = [route for route in routes if "{" not in route.path]
        self._routes = {(method, route.path): route for route in exact for method in route.methods or ()}

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match a path and its method; all else, also a HEAD, is left to the routes behind this one."""
        route = self._routes.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        return (Match.NONE, {}) if route is None else (Match.FULL, {"route": route, "path_params": {}})

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the route that was found."""
        route: KontorRoute = scope["route"]
        await route.app(scope, receive, send)


def bodiless(response: Response) -> Response:
    """Return the answer to a HEAD: the status and headers of the GET."""
    headers = Response(status_code=response.status_code)
    headers.raw_headers = response.raw_headers
    return headers


def flat(families: Iterable["Routes"]) -> list[KontorRoute]:
    """Return the routes of all families, each with the allowed methods of its path."""
    routes = [route for family in families for route in family.routes]
    methods: dict[str, set[str]] = defaultdict(set)
    for route in routes:
        methods[route.path] |= route.methods or set()
    reads = {route.path: route.spec for route in routes if route.spec.tagged}
    for route in routes:
        allowed = methods[route.path]
        route.allowed = frozenset(allowed | {"HEAD"} if "GET" in allowed else allowed)
        route.current = reads.get(route.path) if WRITING & (route.methods or set()) else None
    return routes


@dataclass(slots=True)
class Routes:
    """Routes of one family, in matching order."""

    tag: str
    routes: list[KontorRoute] = field(default_factory=list)

    def add(
        self,
        operation: str,
        policy: RoutePolicy,
        *,
        response: type[BaseModel] | UnionType | None = None,
        status: int = 200,
        also: Mapping[int, type[BaseModel] | str] | None = None,
        problems: Sequence[int] = (),
        media: str | None = None,
        precheck: Precheck | None = None,
        **options: Any,
    ) -> Callable[[F], F]:
        """Declare `METHOD /path`; `also` are further success responses, `problems` further error statuses.

        `options`: sessionless, audited and body_limit of EndpointSpec. `media`: of a file, whose reads are recorded.
        """
        method, path = operation.split()

        def declare(endpoint: F) -> F:
            single = method == "GET" and media is None and "{" in path and not is_list(response)
            reads = media and "exported"
            spec = EndpointSpec.of(endpoint, policy, status, path, precheck, reads=reads, tagged=single, **options)
            responses = _success_responses(also or {}) | _error_responses(spec, method, problems)
            responses |= _file_response(status, media)
            route = KontorRoute(
                path,
                endpoint,
                spec=spec,
                methods=[method],
                response_model=response,
                status_code=status,
                responses=responses,
                operation_id=endpoint.__name__,
                tags=[self.tag],
            )
            self.routes.append(route)
            return endpoint

        return declare

    def get(self, path: str, policy: RoutePolicy, **options: Any) -> Callable[[F], F]:
        """Declare a GET."""
        return self.add(f"GET {path}", policy, **options)

    def post(self, path: str, policy: RoutePolicy, **options: Any) -> Callable[[F], F]:
        """Declare a POST."""
        return self.add(f"POST {path}", policy, **options)

    def put(self, path: str, policy: RoutePolicy, **options: Any) -> Callable[[F], F]:
        """Declare a PUT."""
        return self.add(f"PUT {path}", policy, **options)

    def patch(self, path: str, policy: RoutePolicy, **options: Any) -> Callable[[F], F]:
        """Declare a PATCH."""
        return self.add(f"PATCH {path}", policy, **options)

    def delete(self, path: str, policy: RoutePolicy, **options: Any) -> Callable[[F], F]:
        """Declare a DELETE."""
        return self.add(f"DELETE {path}", policy, **options)


def is_list(response: type[BaseModel] | UnionType | None) -> bool:
    """Whether a response is a page of a list."""
    return isinstance(response, type) and "items" in response.model_fields


def _success_responses(also: Mapping[int, type[BaseModel] | str]) -> dict[int | str, dict[str, Any]]:
    return {
        status: {"description": model} if isinstance(model, str) else {"model": model} for status, model in also.items()
    }


def _file_response(status: int, media: str | None) -> dict[int | str, dict[str, Any]]:
    if media is None:
        return {}
    return {status: {"description": "The file.", "content": {media: {"schema": {"type": "string"}}}}}


def _error_responses(spec: EndpointSpec, method: str, further: Sequence[int]) -> dict[int | str, dict[str, Any]]:
    statuses = {401, 403, 429, 503, *further}
    if "{" in spec.path:
        statuses.add(404)
    if method == "POST":
        statuses |= {408, 409, 413, 415, 422}
    if spec.body is not None:
        statuses |= {408, 413, 415, 422}
    if spec.query is not None:
        statuses.add(422)
    # The schema by its name: as a model FastAPI would build a validator for each, a third of the time of a start.
    content = {MEDIA: {"schema": PROBLEM}}
    return {status: {"description": DESCRIPTIONS[status], "content": content} for status in sorted(statuses)}
