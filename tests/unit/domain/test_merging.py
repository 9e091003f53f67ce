from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from kontor.accounts.merge import renamed_templates, subscription_conflicts
from kontor.accounts.merge_queries import SharedAssignment

A, B = UUID(int=1), UUID(int=2)


def held(subscription: str, reseller: UUID, account: int = 3) -> SharedAssignment:
    return SharedAssignment(subscription, "product", UUID(int=account), "Salon", reseller)


def test_clashing_name_gets_the_reseller_appended() -> None:
    assert renamed_templates(["Basics", "More"], ["Basics"], "Elbe") == {"Basics": "Basics (Elbe)"}


def test_name_that_clashes_again_gets_a_number() -> None:
    assert renamed_templates(["Basics"], ["Basics", "Basics (Elbe)"], "Elbe") == {"Basics": "Basics (Elbe) 2"}
    assert renamed_templates(["Basics", "Basics (Elbe)"], ["Basics"], "Elbe") == {"Basics": "Basics (Elbe) 2"}


@given(st.sets(st.sampled_from(["a", "a (R)", "a (R) 2", "b", "b (R)"])), st.sets(st.sampled_from(["a", "a (R)", "b"])))
def test_names_are_unique_after_the_move(moved: set[str], there: set[str]) -> None:
    renamed = renamed_templates(moved, there, "R")
    after = [renamed.get(name, name) for name in moved] + list(there)
    assert len(after) == len(set(after))
    assert set(renamed) == moved & there


def test_subscription_is_a_conflict_only_when_both_hold_it() -> None:
    by_subscription = subscription_conflicts(
        [held("one", A), held("one", B, 4), held("two", A), held("three", B), held("three", B, 5)]
    )
    assert {code: [entry.reseller_id for entry in whom] for code, whom in by_subscription.items()} == {"one": [A, B]}
