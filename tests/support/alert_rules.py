"""Evaluates the alert rules over scrapes of /metrics with promtool."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from shutil import which
from typing import Any, Final

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from devtools.source import ROOT

RULES: Final = ROOT / "deploy" / "prometheus" / "rules.yml"
MINUTES: Final = 100
needs_promtool = pytest.mark.skipif(which("promtool") is None, reason="needs promtool (Debian: prometheus)")

Scrape = Mapping[str, tuple[float, bool]]


def parse_scrape(text: str) -> dict[str, tuple[float, bool]]:
    """Parse a scrape into series as promtool names them: value, and whether it is a counter."""
    series = {}
    for family in text_string_to_metric_families(text):
        grows = family.type in {"counter", "histogram"}
        for sample in family.samples:
            labels = ", ".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            series[f"{sample.name}{{{labels}}}"] = (sample.value, grows)
    return series


def assert_firing(folder: Path, before: Scrape, now: Scrape, *, expected: set[str]) -> None:
    """Fail unless exactly these alerts fire after the state of `now` has lasted.

    Counters keep growing per minute by their growth between the scrapes.
    """
    series = [{"series": 'up{job="kontor"}', "values": f"1x{MINUTES}"}]
    for name, (value, grows) in now.items():
        step = value - before.get(name, (0.0, grows))[0] if grows else 0.0
        series.append({"series": name, "values": f"{value}+{step}x{MINUTES}"})
    expectation: dict[str, Any] = {
        "expr": 'count by (alertname) (count by (alertname, severity) (ALERTS{alertstate="firing"}))',
        "eval_time": f"{MINUTES - 5}m",
        "exp_samples": [{"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in sorted(expected)],
    }
    case = {"interval": "1m", "input_series": series, "promql_expr_test": [expectation]}
    file = folder / "scraped.yml"
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [case]}))
    result = subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
