"""The measured limits of the code base: `make house` prints all of them."""

import pytest

from devtools.house import Measure, measures

KEPT = (
    "median lines of a module",
    "modules over 300 lines",
    "functions, 90th percentile of lines",
    "functions, most lines",
    "class names with two meanings",
    "identifiers that say nothing",
)
"""Measures that no change may exceed; the others are reported."""


@pytest.fixture(scope="module")
def measured() -> dict[str, Measure]:
    """All measures by name."""
    return {measure.name: measure for measure in measures()}


@pytest.mark.parametrize("name", KEPT)
def test_measure_is_within_its_limit(name: str, measured: dict[str, Measure]) -> None:
    measure = measured[name]
    assert measure.kept, (measure.value, measure.places)
