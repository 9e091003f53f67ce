"""Rules, dashboard, reference and code use the same metrics; each alert has its runbook and its test."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from devtools.source import ROOT
from tests.support.alert_rules import needs_promtool

DEPLOY = ROOT / "deploy"
RULES = DEPLOY / "prometheus" / "rules.yml"
TESTS = DEPLOY / "prometheus" / "rules.test.yml"
DASHBOARD = DEPLOY / "grafana" / "kontor.json"
NAME = re.compile(r"\bkontor_[a-z0-9_]*[a-z0-9]\b")
NO_METRICS = {"kontor_client", "kontor_drill"}
"""A package, and the database of the restore drill."""
SUFFIXES = re.compile(r"_(total|bucket|sum|count|created)$")


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def expressions(panel: dict[str, Any]) -> Iterator[str]:
    yield from (target["expr"] for target in panel.get("targets", []))
    for inner in panel.get("panels", []):
        yield from expressions(inner)


def named(text: str) -> set[str]:
    return {SUFFIXES.sub("", name) for name in NAME.findall(text)}


def scraped() -> set[str]:
    """The metrics in the code, without the suffixes of their type."""
    code = "".join(
        (ROOT / path).read_text() for path in ("kontor/monitoring/service.py", "kontor/monitoring/routes.py")
    )
    return {SUFFIXES.sub("", name) for name in re.findall(r'"(kontor_[a-z0-9_]+)"', code)}


def charted() -> set[str]:
    board = json.loads(DASHBOARD.read_text())
    return {name for panel in board["panels"] for text in expressions(panel) for name in named(text)}


def test_rules_and_dashboard_use_existing_metrics() -> None:
    asked = {name for rule in rules() for name in named(rule["expr"])}
    assert len(asked) > 12
    assert (asked | charted()) - scraped() == set()


def test_every_metric_is_charted_and_documented() -> None:
    assert scraped() - charted() == set()
    assert scraped() - named((ROOT / "docs" / "reference" / "api.md").read_text()) == set()


def test_every_documented_metric_exists() -> None:
    pages = [*(ROOT / "docs").rglob("*.md")]
    assert {name for page in pages for name in named(page.read_text())} - scraped() - NO_METRICS == set()


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_every_alert_has_a_runbook_with_commands(rule: dict[str, Any]) -> None:
    page = ROOT / rule["annotations"]["runbook"]
    assert page.parent == ROOT / "docs" / "how-to" / "runbooks"
    assert "```sh" in page.read_text()


def test_every_alert_is_tested_firing_and_quiet() -> None:
    tests = yaml.safe_load(TESTS.read_text())["tests"]
    alerts = {rule["alert"] for rule in rules()}
    quiet, *firing = tests
    assert {case["alertname"] for case in quiet["alert_rule_test"] if case["exp_alerts"] == []} == alerts
    assert {case["alertname"] for test in firing for case in test["alert_rule_test"] if case["exp_alerts"]} == alerts


@needs_promtool
@pytest.mark.parametrize("command", [("check", "rules", "rules.yml"), ("test", "rules", "rules.test.yml")])
def test_promtool_accepts_the_rules_and_their_tests(command: tuple[str, ...]) -> None:
    done = subprocess.run(["promtool", *command], cwd=RULES.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_promtool_accepts_every_panel(tmp_path: Path) -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    asked = [text.replace("$job", "kontor") for panel in panels for text in expressions(panel)]
    recorded = [{"record": f"panel:{number}", "expr": text} for number, text in enumerate(asked)]
    (tmp_path / "panels.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": recorded}]}))
    command = ["promtool", "check", "rules", str(tmp_path / "panels.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, len(asked) > 30) == (0, True), done.stdout + done.stderr
