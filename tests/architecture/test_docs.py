from collections.abc import Iterator

import pytest
import typer

from devtools.source import ROOT
from kontor.adapters.settings import Environment
from kontor.cli.main import build

REFERENCE = ROOT / "docs" / "reference"


def commands() -> Iterator[str]:
    """Every command a user can type, with its group."""
    root = typer.main.get_command(build())
    for name, command in sorted(root.commands.items()):  # type: ignore[attr-defined]  # a group, since there are several
        if command.hidden:
            continue
        inner = getattr(command, "commands", None)
        yield from [f"{name} {sub}" for sub in inner] if inner else [name]


@pytest.mark.parametrize("setting", sorted(str(field.alias) for field in Environment.model_fields.values()))
def test_every_setting_is_documented(setting: str) -> None:
    assert f"| `{setting}` |" in (REFERENCE / "environment.md").read_text()


@pytest.mark.parametrize("command", list(commands()))
def test_every_command_is_documented(command: str) -> None:
    text = (REFERENCE / "commands.md").read_text().replace("\\|", "|")
    group, _, sub = command.partition(" ")
    lines = [line for line in text.splitlines() if f"kontor {group}" in line or f"`{group}`" in line]
    assert any(sub in line for line in lines)


def test_every_process_of_the_procfile_is_a_command() -> None:
    lines = [line.partition(": ") for line in (ROOT / "Procfile").read_text().splitlines()]
    assert {name for name, _, _ in lines} == {"release", "web", "worker", "relay", "scheduler"}
    assert {command.split()[-1] for _, _, command in lines} <= set(commands())


def test_every_make_target_has_a_description() -> None:
    text = (ROOT / "Makefile").read_text()
    phony = next(line for line in text.splitlines() if line.startswith(".PHONY")).split()[1:]
    for target in phony:
        assert any(line.startswith(f"{target}:") and "## " in line for line in text.splitlines()), target
