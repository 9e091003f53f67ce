from io import StringIO

import pytest
from rich.console import Console

from bench.__main__ import parse
from bench.report import document, show
from bench.results import Budget, Figure, Row, of_samples, percentile, ratios


def test_each_round_is_compared_with_its_best_peer() -> None:
    assert ratios([300.0, 100.0], [100.0, 50.0], [150.0, 25.0]) == [2.0, 2.0]


def test_rounds_without_a_peer_are_ignored() -> None:
    assert ratios([300.0, 100.0], [0.0, 50.0]) == [2.0]


def test_median_of_the_ratios_decides_not_the_ratio_of_the_medians() -> None:
    figure = of_samples("drain", ratios([10.0, 20.0, 90.0], [10.0, 40.0, 30.0]), "x", Budget(1.5))
    assert figure.value == 1.0
    assert figure.missed


def test_bound_can_be_a_floor_or_a_ceiling() -> None:
    assert Budget(0.8).met_by(0.8)
    assert not Budget(0.8).met_by(0.79)
    assert Budget(15, at_least=False).met_by(15)
    assert not Budget(15, at_least=False).met_by(15.1)


def test_absolute_figures_are_reported_and_decide_nothing() -> None:
    figure = Figure("p99", 99.0, "ms", Budget(15, at_least=False, decides=False))
    assert figure.over
    assert not Row("latency", "Latency", [figure]).missed


def test_lost_or_doubled_effect_fails_a_row_with_good_ratios() -> None:
    assert Row("drain", "Drain", [Figure("ratio", 2.0, "x", Budget(1.5))], ["kontor: 2 doubled"]).missed


def test_missing_samples_miss_the_floor() -> None:
    assert of_samples("drain", [], "x", Budget(1.5)).missed


@pytest.mark.parametrize(("percent", "value"), [(50, 50.5), (99, 99.01)])
def test_percentiles_are_interpolated(percent: int, value: float) -> None:
    assert percentile([float(n) for n in range(1, 101)], percent) == pytest.approx(value)


def test_table_names_missed_bounds_and_their_reasons() -> None:
    missed = Row("drain", "Drain", [Figure("ratio", 0.5, "x", Budget(1.5))], profile=["WALSync 90 %"])
    out = StringIO()
    show(Console(file=out, width=128), {"python": "3.11"}, [missed])
    assert "MISSED" in out.getvalue()
    assert "Why drain missed" in out.getvalue()
    assert "WALSync 90 %" in out.getvalue()


def test_document_contains_samples_and_verdict() -> None:
    row = Row("api", "API", [of_samples("ratio", [0.7, 0.8, 0.9], "x", Budget(0.6))])
    result = document({"python": "3.11"}, [row])
    assert result["met"] is True
    assert result["rows"][0]["figures"][0]["samples"] == (0.7, 0.8, 0.9)


def test_rows_can_be_selected_one_by_one() -> None:
    assert parse(["--only", "drain", "--only", "api", "--quick"]).only == ["drain", "api"]


def test_unknown_row_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        parse(["--only", "everything"])
    assert refused.value.code == 2
    assert "invalid choice" in capsys.readouterr().err
