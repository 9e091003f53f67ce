"""The measured limits of the code base: `make house` prints all of them."""

import pytest

from devtools.house import MEASURES, Measure, measures


@pytest.fixture(scope="module")
def measured() -> dict[str, Measure]:
    """All measures by name."""
    return {measure.name: measure for measure in measures()}


@pytest.mark.parametrize("name", MEASURES)
def test_measure_is_within_its_limit(name: str, measured: dict[str, Measure]) -> None:
    measure = measured[name]
    assert measure.kept, (measure.value, measure.places)


def test_every_measure_is_checked(measured: dict[str, Measure]) -> None:
    assert sorted(measured) == sorted(MEASURES)
