"""Code samples of the commonest calls, in curl, Python and TypeScript, for the OpenAPI document."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from kontor.http.wire import Json


class Sample(NamedTuple):
    """A call; names in braces are variables of the environment."""

    method: str
    path: str
    body: Mapping[str, Json] | None = None


SAMPLES: Final[Mapping[str, Sample]] = {
    "create_account": Sample(
        "POST",
        "/v1/accounts",
        {"programme": "{PROGRAMME}", "name": "Weser Logistik", "admin_email": "admin@weser.example"},
    ),
    "list_accounts": Sample("GET", "/v1/accounts?q=weser&limit=10"),
    "get_account": Sample("GET", "/v1/accounts/{ACCOUNT}"),
    "change_account": Sample("PATCH", "/v1/accounts/{ACCOUNT}", {"locale": "de"}),
    "create_client": Sample(
        "POST",
        "/v1/resellers/{RESELLER}/clients",
        {"name": "Aller Handel", "admin_email": "admin@aller.example", "external_id": "42"},
    ),
    "send_offer": Sample(
        "POST",
        "/v1/offers",
        {
            "reseller_id": "{RESELLER}",
            "account_id": "{CLIENT}",
            "lines": [{"product": "{PRODUCT}", "count": 2, "mode": "absolute", "term": "P1Y"}],
        },
    ),
    "enqueue_job": Sample("POST", "/v1/jobs?wait=2", {"task": "probe.echo", "args": {"message": "hello"}}),
    "get_job": Sample("GET", "/v1/jobs/{JOB}"),
    "create_endpoint": Sample(
        "POST", "/v1/webhook-endpoints", {"url": "https://hooks.example/kontor", "events": ["offer.accepted"]}
    ),
    "list_events": Sample("GET", "/v1/events?after=0&limit=100"),
}
"""By the id of the operation."""
VARIABLE: Final = re.compile(r"{([A-Z]+)}")


def curl(sample: Sample) -> str:
    """Return a call in the shell."""
    url = VARIABLE.sub(r"$\1", sample.path)
    lines = [f'curl --fail-with-body -X {sample.method} "$KONTOR_URL{url}"', '-H "Authorization: Bearer $KONTOR_KEY"']
    if sample.body is not None:
        text = json.dumps(sample.body)
        lines += ['-H "Content-Type: application/json"', "-d '" + VARIABLE.sub(r"""'"$\1"'""", text) + "'"]
    return " \\\n  ".join(lines)


def python(sample: Sample) -> str:
    """Return a call in Python, with httpx."""
    url = VARIABLE.sub(r"{os.environ['\1']}", sample.path)
    lines = [
        "import os",
        "import httpx",
        "",
        "answer = httpx.request(",
        f'    "{sample.method}",',
        f"""    f"{{os.environ['KONTOR_URL']}}{url}",""",
        """    headers={"Authorization": f"Bearer {os.environ['KONTOR_KEY']}"},""",
    ]
    if sample.body is not None:
        lines.append("    json=" + _named(json.dumps(sample.body), r"os.environ['\1']") + ",")
    lines += [")", "answer.raise_for_status()", "print(answer.json())"]
    return "\n".join(lines)


def typescript(sample: Sample) -> str:
    """Return a call in TypeScript, with fetch."""
    url = VARIABLE.sub(r"${process.env.\1}", sample.path)
    headers = ["Authorization: `Bearer ${process.env.KONTOR_KEY}`"]
    lines = ["const answer = await fetch(`${process.env.KONTOR_URL}" + url + "`, {", f'  method: "{sample.method}",']
    if sample.body is not None:
        headers.append('"Content-Type": "application/json"')
    lines.append("  headers: { " + ", ".join(headers) + " },")
    if sample.body is not None:
        lines.append("  body: JSON.stringify(" + _named(json.dumps(sample.body), r"process.env.\1") + "),")
    lines += ["});", "if (!answer.ok) throw new Error(await answer.text());", "console.log(await answer.json());"]
    return "\n".join(lines)


def _named(text: str, replacement: str) -> str:
    """Replace quoted variables in JSON."""
    return re.sub(f'"{VARIABLE.pattern}"', replacement, text)


LANGUAGES: Final = (("Shell", "curl", curl), ("Python", "Python", python), ("TypeScript", "TypeScript", typescript))


def samples_of(operation_id: str) -> list[dict[str, str]] | None:
    """Return the samples of an operation as the document has them, None for one without."""
    sample = SAMPLES.get(operation_id)
    if sample is None:
        return None
    return [{"lang": lang, "label": label, "source": write(sample)} for lang, label, write in LANGUAGES]
