"""Declaring routes: FastAPI documents them, the pipeline runs them."""

from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.answers import Answer
from api.call import Access
from api.pipeline import Outside, Pipeline, Spec
from api.schema import Problem

F = TypeVar("F", bound=Callable[..., Answer | BaseModel])
MEANINGS: Final[Mapping[int, str]] = {
    401: "No key, or not a valid one: `unauthorized`.",
    403: "The key may not do that.",
    404: "No such thing, or not the caller's.",
    409: "The thing is not in a state that allows it.",
    413: "The body is too large: `too_large`.",
    422: "The request can be read but not meant.",
    429: "Too many attempts: `locked`, with `Retry-After`.",
    503: "The database does not answer: `unavailable`.",
}


class KontorRoute(APIRoute):
    """A route whose requests run through the pipeline instead of FastAPI's own handler."""

    def __init__(self, path: str, endpoint: Callable[..., Any], *, spec: Spec, **options: Any) -> None:
        self.spec = spec
        self.allowed: frozenset[str] = frozenset()
        super().__init__(path, endpoint, **options)
        self.app = self._run

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The pipeline of this route."""
        return Pipeline(self.spec).handle

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What FastAPI does for dependencies of its own is left out: there are none."""
        response = await Pipeline(self.spec).handle(Request(scope, receive, send))
        await response(scope, receive, send)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the route; another method gets 405 with every method of the path."""
        if scope["method"] not in (self.methods or ()):
            raise HTTPException(405, headers={"Allow": ", ".join(sorted(self.allowed))})
        await self.app(scope, receive, send)


def flat(families: Iterable["Routes"]) -> list[KontorRoute]:
    """Every route of every family, each knowing the methods of its path."""
    routes = [route for family in families for route in family.routes]
    methods: dict[str, set[str]] = defaultdict(set)
    for route in routes:
        methods[route.path] |= route.methods or set()
    for route in routes:
        route.allowed = frozenset(methods[route.path])
    return routes


@dataclass(slots=True)
class Routes:
    """The routes of one family, in the order in which they are matched."""

    tag: str
    routes: list[KontorRoute] = field(default_factory=list)

    def add(
        self,
        call: str,
        access: Access,
        *,
        answer: type[BaseModel] | None = None,
        status: int = 200,
        also: Mapping[int, type[BaseModel] | str] | None = None,
        problems: Sequence[int] = (),
        media: str | None = None,
        outside: Outside | None = None,
        direct: bool = False,
    ) -> Callable[[F], F]:
        """Declare `METHOD /path`; `also` are further good answers, `problems` further bad ones."""
        method, path = call.split()

        def declare(endpoint: F) -> F:
            spec = Spec.of(endpoint, access, status, path, outside, direct=direct)
            responses = _good(also or {}) | _bad(spec, method, problems)
            if media is not None:
                responses[status] = {"description": "The file.", "content": {media: {"schema": {"type": "string"}}}}
            route = KontorRoute(
                path,
                endpoint,
                spec=spec,
                methods=[method],
                response_model=answer,
                status_code=status,
                responses=responses,
                operation_id=endpoint.__name__,
                tags=[self.tag],
            )
            self.routes.append(route)
            return endpoint

        return declare

    def get(self, path: str, access: Access, **options: Any) -> Callable[[F], F]:
        """Declare a GET."""
        return self.add(f"GET {path}", access, **options)

    def post(self, path: str, access: Access, **options: Any) -> Callable[[F], F]:
        """Declare a POST."""
        return self.add(f"POST {path}", access, **options)

    def put(self, path: str, access: Access, **options: Any) -> Callable[[F], F]:
        """Declare a PUT."""
        return self.add(f"PUT {path}", access, **options)

    def patch(self, path: str, access: Access, **options: Any) -> Callable[[F], F]:
        """Declare a PATCH."""
        return self.add(f"PATCH {path}", access, **options)

    def delete(self, path: str, access: Access, **options: Any) -> Callable[[F], F]:
        """Declare a DELETE."""
        return self.add(f"DELETE {path}", access, **options)


def _good(also: Mapping[int, type[BaseModel] | str]) -> dict[int | str, dict[str, Any]]:
    return {
        status: {"description": model} if isinstance(model, str) else {"model": model} for status, model in also.items()
    }


def _bad(spec: Spec, method: str, further: Sequence[int]) -> dict[int | str, dict[str, Any]]:
    statuses = {401, 403, 503, *further}
    if "{" in spec.path:
        statuses.add(404)
    if method == "POST":
        statuses |= {409, 413, 422}
    if spec.body is not None:
        statuses |= {413, 422}
    if spec.query is not None:
        statuses.add(422)
    return {status: {"description": MEANINGS[status], "model": Problem} for status in sorted(statuses)}
