"""Scopes of API keys: their names, what a narrowed one covers, who has `decide`."""

from uuid import uuid4

import pytest

from kontor.http.scopes import covers, covers_task, effective, is_scope
from models.keys import Scope


@pytest.mark.parametrize("name", [*Scope, "enqueue:vps.*", "work:vps.create", "enqueue:*"])
def test_scope_is_accepted_when_it_is_one_or_narrowed_to_tasks(name: str) -> None:
    assert is_scope(name)


@pytest.mark.parametrize(
    "name", ["", "write", "READ", "read:vps.*", "admin:*", "enqueue:", "enqueue:a b", "enqueue:[a-z]", "work:vps.?"]
)
def test_scope_is_refused_when_it_is_none(name: str) -> None:
    assert not is_scope(name)


@pytest.mark.parametrize(
    ("held", "task", "covered"),
    [
        ("enqueue", "vps.create", True),
        ("enqueue:vps.*", "vps.create", True),
        ("enqueue:vps.*", "vpsx.create", False),
        ("enqueue:vps.*", "VPS.create", False),
        ("enqueue:vps.create", "vps.create2", False),
        ("work:vps.*", "vps.create", False),
        ("work", "vps.create", False),
    ],
)
def test_task_is_covered_when_a_narrowed_scope_matches_its_name(held: str, task: str, covered: bool) -> None:
    assert covers_task({held, "read"}, Scope.ENQUEUE, task) is covered


@pytest.mark.parametrize(
    ("held", "other", "covered"),
    [
        ("enqueue", "enqueue:vps.*", True),
        ("enqueue:vps.*", "enqueue:vps.create", True),
        ("enqueue:vps.*", "enqueue:vps.a*", True),
        ("enqueue:vps.*", "enqueue:vps.*", True),
        ("enqueue:vps.*", "enqueue:*", False),
        ("enqueue:vps.*", "enqueue", False),
        ("enqueue:vps.*", "work:vps.create", False),
        ("admin", "read", False),
        ("keys", "keys", True),
    ],
)
def test_scope_covers_another_when_it_allows_at_least_as_much(held: str, other: str, covered: bool) -> None:
    assert covers({held}, other) is covered


def test_key_of_an_account_has_decide_exactly_when_its_maker_could_give_it() -> None:
    account = uuid4()
    assert effective(["read"], account, may_decide=True) == ("read", "decide")
    assert effective(["decide", "read"], account, may_decide=True) == ("decide", "read")
    assert effective(["read", "decide"], account, may_decide=False) == ("read",)
    assert effective(["read"], None, may_decide=True) == ("read",)
