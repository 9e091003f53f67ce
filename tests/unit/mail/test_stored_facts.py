"""Facts of queued mails that an older release wrote still build."""

import pytest

from kontor.mailer.build import validate_facts
from kontor.mails.preview import sample_facts


@pytest.mark.parametrize("kind", ["address-changed", "merged"])
@pytest.mark.parametrize("key", ["role", "told"])
def test_role_is_read_under_either_key(kind: str, key: str) -> None:
    facts = dict(sample_facts()[kind])
    role = facts.pop("role", None) or facts.pop("told")
    read = validate_facts(kind, {**facts, key: role})
    assert read.model_dump()["role"] == role
    assert {name: read.stored().get(name) for name in ("role", "told")} == {"role": None, "told": role}
