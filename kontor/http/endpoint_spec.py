"""What the pipeline knows of an endpoint: its arguments, read from its signature once, and its policy."""

import inspect
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from pydantic import BaseModel

from kontor.http.context import RequestContext, RoutePolicy
from kontor.http.incoming import IncomingRequest
from kontor.http.parsing import parse_body, parse_query
from kontor.http.responses import ApiResponse
from kontor.http.wire import QueryModel, uuid_of
from kontor.kernel.edge import BODY_LIMIT

EndpointFunction = Callable[..., ApiResponse | BaseModel]
Precheck = Callable[..., Coroutine[None, None, object]]
"""Network check before the transaction, awaited without a thread; takes the arguments of the endpoint.

What it returns is the `check.result` of the request's context.
"""


@dataclass(frozen=True, slots=True)
class EndpointSpec:
    """Arguments of an endpoint, read from its signature once."""

    endpoint: EndpointFunction
    policy: RoutePolicy
    status: int
    path: str
    ids: tuple[str, ...]
    strings: tuple[str, ...]
    query: tuple[str, type[QueryModel]] | None
    body: tuple[str, type[BaseModel], bool] | None
    precheck: Precheck | None = None
    sessionless: bool = False
    audited: bool = True
    reads: str | None = None
    body_limit: int = BODY_LIMIT
    tagged: bool = False

    @classmethod
    def of(
        cls,
        endpoint: EndpointFunction,
        policy: RoutePolicy,
        status: int,
        path: str,
        precheck: Precheck | None = None,
        *,
        sessionless: bool = False,
        audited: bool = True,
        reads: str | None = None,
        body_limit: int = BODY_LIMIT,
        tagged: bool = False,
    ) -> "EndpointSpec":
        """Read the signature: context, path parameters by name, a Query model, a body model.

        `audited` False: what the route writes is its own evidence. `reads`: the action under which its reads are
        recorded. `body_limit`: the largest body, in bytes, unpacked. `tagged`: its answer has an ETag.
        """
        hints = get_type_hints(endpoint)
        ids = tuple(n for n, t in hints.items() if t is UUID and f"{{{n}}}" in path)
        strings = tuple(n for n, t in hints.items() if t is str and f"{{{n}}}" in path)
        query: tuple[str, type[QueryModel]] | None = None
        body: tuple[str, type[BaseModel], bool] | None = None
        for name, parameter in inspect.signature(endpoint).parameters.items():
            model = _model_in(hints[name])
            if model is None:
                continue
            if issubclass(model, QueryModel):
                query = (name, model)
            else:
                body = (name, model, parameter.default is not inspect.Parameter.empty)
        further = (precheck, sessionless, audited, reads, body_limit, tagged)
        return cls(endpoint, policy, status, path, ids, strings, query, body, *further)

    @property
    def waits(self) -> bool:
        """Whether a caller may ask to wait for the answer."""
        return self.query is not None and "wait" in self.query[1].model_fields

    def answer(self, ctx: RequestContext) -> ApiResponse:
        """Parse the arguments, call the endpoint, cut its response for the caller. Raises NotFound, Invalid."""
        response = self.endpoint(ctx=ctx, **self.arguments(ctx.incoming))
        answer = response if isinstance(response, ApiResponse) else ApiResponse.of(response, self.status)
        return answer.rendered(ctx.view)

    def arguments(self, incoming: IncomingRequest) -> dict[str, Any]:
        """Parse the endpoint's arguments. Raises NotFound or Invalid."""
        arguments: dict[str, Any] = {name: uuid_of(incoming.params[name]) for name in self.ids}
        arguments.update((name, incoming.params[name]) for name in self.strings)
        if self.query is not None:
            arguments[self.query[0]] = parse_query(self.query[1], incoming.query)
        if self.body is not None:
            name, model, optional = self.body
            arguments[name] = parse_body(model, incoming.body, optional=optional)
        return arguments


def _model_in(hint: Any) -> type[BaseModel] | None:
    """Return the model in `Model`, `Annotated[Model, …]` or `Model | None`."""
    if isinstance(hint, type):
        return hint if issubclass(hint, BaseModel) else None
    if get_origin(hint) is None or get_origin(hint) not in (Union, type(int | None)):
        return None
    return next((arg for arg in get_args(hint) if isinstance(arg, type) and issubclass(arg, BaseModel)), None)
