"""The clients that a form offers to choose from: the first of a search, and the one that is chosen already."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from kontor.accounts import client_list, instances
from kontor.accounts import service as accounts
from kontor.accounts.client_filter import ClientFilter
from kontor.accounts.client_words import INSTANCE_STATES, REACHED
from kontor.accounts.instances import InstanceState
from kontor.kernel.errors import NotFound
from kontor.ui.portal_request import PortalRequest
from models.accounts import Account

MOST_CHOICES: Final = 200


@dataclass(frozen=True, slots=True)
class OfferedClient:
    """A client in a list to choose from; `state`: of its connected system."""

    id: UUID
    name: str
    state: InstanceState

    @property
    def state_name(self) -> str:
        """The state in words."""
        return INSTANCE_STATES[self.state]

    @property
    def reached(self) -> str:
        """Whether an offer reaches it."""
        return REACHED[self.state]


@dataclass(frozen=True, slots=True)
class ClientChoice:
    """`search`: what was searched for; `more`: further clients match."""

    clients: Sequence[OfferedClient]
    search: str
    more: bool
    chosen: UUID | None

    @property
    def shown(self) -> OfferedClient | None:
        """The client that the list shows: the chosen one, else its first."""
        return next((each for each in self.clients if each.id == self.chosen), next(iter(self.clients), None))


def client_choice(request: PortalRequest) -> ClientChoice:
    """Return the clients of a form of the reseller that is signed in, by the search `q` of the address.

    Chosen is the client that was typed, else that of the address; another's is nobody.
    """
    session, owner, search = request.session, request.person.account, request.incoming.param("q")
    page = client_list.page(
        session, request.deps.programmes, owner.id, ClientFilter(search), request.now, None, MOST_CHOICES
    )
    typed = request.incoming.form.get("account_id") or request.incoming.param("account_id") or ""
    chosen = _own(request, typed)
    clients = list(page.items)
    if chosen is not None and chosen.id not in {client.id for client in clients}:
        clients.insert(0, chosen)
    states = instances.states(session, [client.id for client in clients])
    offered = [OfferedClient(each.id, each.name, states.get(each.id, InstanceState.NONE)) for each in clients]
    return ClientChoice(offered, search or "", page.next is not None, None if chosen is None else chosen.id)


def chosen_client(request: PortalRequest, text: str) -> Account:
    """Return the reseller's client that a form names. Raises NotFound for another's."""
    client = _own(request, text)
    if client is None:
        raise NotFound
    return client


def _own(request: PortalRequest, text: str) -> Account | None:
    try:
        client = accounts.find(request.session, UUID(text))
    except ValueError:
        return None
    own = client is not None and client.reseller_id == request.person.account.id and client.deleted_at is None
    return client if own else None
