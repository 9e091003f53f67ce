"""`kontor doctor`: problems of a deployment, with remedies."""

from dataclasses import asdict

import typer

from commands.context import Json, print_json, running_settings

MARKS = {"ok": "ok  ", "warning": "warn", "problem": "FAIL"}


def doctor(as_json: Json = False) -> None:
    """Check settings, PostgreSQL, Redis, SMTP, migrations, clock and stuck work; exit 1 on a problem."""
    from workers.examination import examine

    with running_settings() as settings:
        findings = list(examine(settings))
    if as_json:
        print_json({"items": [asdict(finding) for finding in findings], "next": None})
    else:
        for finding in findings:
            print(f"{MARKS[finding.state]}  {finding.subject:<11} {finding.text}")
            if finding.remedy:
                print(f"      {'':<11} -> {finding.remedy}")
    if any(finding.state == "problem" for finding in findings):
        raise typer.Exit(1)
