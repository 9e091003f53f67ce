"""Payments: the list, one of them; files with a preview of rows in doubt; payments that name no reseller."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

from kontor.kernel.errors import Invalid, KontorError
from kontor.kernel.paging import Page
from kontor.kernel.states import PaymentKind
from kontor.payments import service, unmatched, uploads
from kontor.payments.import_run import ImportChoices, ImportSummary
from kontor.payments.import_services import NAMED
from kontor.payments.queries import PaymentFilter
from kontor.payments.unmatched_routes import UnmatchedPaymentOut
from kontor.payments.uploads import NewUpload
from kontor.programme.service import list_programmes
from kontor.ui import formatting
from kontor.ui.console_request import ConsoleRequest, ConsoleResponse, Redirect, TemplateResponse
from kontor.ui.listing import (
    FROM,
    RESELLER,
    TO,
    Cell,
    ListColumn,
    ListFilter,
    Listing,
    ListQuery,
    account_cell,
    money_cell,
)
from kontor.ui.records import ConsoleRecord
from models.payments import PaymentRow, PaymentUpload

BASE_PATH: Final = "/console/payments"
IMPORT_PATH: Final = f"{BASE_PATH}/import"
PREVIEW_PATH: Final = f"{IMPORT_PATH}/{{upload_id}}"
UNMATCHED_PATH: Final = f"{BASE_PATH}/unmatched"
NAV: Final = "accounts"
SHOWN: Final = 30
"""Rows in doubt that are listed with a choice each."""
ROWS: Final = 50
LINE: Final = re.compile(r"line-([0-9]{1,9})")
NUMBERS: Final = re.compile(r"(?:[0-9]{1,9}(?:,[0-9]{1,9})*)?")


def show_import(request: ConsoleRequest) -> TemplateResponse:
    """Show the form for a payment file."""
    return _form(request)


def send_file(request: ConsoleRequest) -> ConsoleResponse:
    """Keep a payment file and lead to its preview."""
    form, content = request.incoming.form, request.incoming.files.get("file", b"")
    try:
        if not content:
            raise Invalid(message="Choose a file.")
        match, who = form.get("match", "").strip(), form.get("reseller", "").strip()
        code = form.get("programme", "")
        payee = unmatched.payee(request.session, code, who) if who else None
        name = form.get("name", "").strip() or f"console {request.now:%Y-%m-%d %H.%M.%S}"
        new = NewUpload(code, payee, name, match or None, _mapping(form), content)
        with request.session.begin_nested():
            upload = uploads.keep(request.context, request.session, new, request.actor().name)
    except KontorError as error:
        return _form(request, error.message)
    return Redirect(f"{IMPORT_PATH}/{upload.id}")


def show_preview(request: ConsoleRequest) -> TemplateResponse:
    """Show what the import of a file would do. Raises NotFound."""
    upload = uploads.get(request.session, request.incoming.uuid("upload_id"))
    choices = _choices(request, upload)
    return _preview(upload, choices, uploads.preview(request.context, request.session, upload, choices))


def submit_preview(request: ConsoleRequest) -> TemplateResponse:
    """Look at a file again with choices for the rows in doubt, or import it. Raises NotFound, Invalid."""
    upload = uploads.get(request.session, request.incoming.uuid("upload_id"))
    choices = _choices(request, upload)
    imports = request.incoming.form.get("act") == "import"
    act = uploads.take if imports else uploads.preview
    summary = act(request.context, request.session, upload, choices)
    return _preview(upload, choices, summary, done=imports and not summary.doubtful_rows)


def show_unmatched(request: ConsoleRequest) -> TemplateResponse:
    """Show payments that name no reseller, or with `dismissed` those taken off the list; latest first."""
    incoming = request.incoming
    dismissed, programme = bool(incoming.param("dismissed")), incoming.param("programme")
    page = unmatched.page(request.session, programme, incoming.param("cursor"), ROWS, dismissed=dismissed)
    kept = {"programme": programme or "", "dismissed": "1" if dismissed else ""}
    values = {
        "payments": [UnmatchedPaymentOut.of(row) for row in page.items],
        "dismissed": dismissed,
        "next": f"{UNMATCHED_PATH}?{urlencode({**kept, 'cursor': page.next})}" if page.next else None,
    }
    return TemplateResponse("payments_unmatched.html", "Payments without a reseller", values, NAV)


def assign(request: ConsoleRequest, reason: str | None) -> str:
    """Assign a payment to the reseller that was entered. Raises Invalid, Conflict."""
    waiting = unmatched.get(request.session, request.incoming.uuid("unmatched_id"))
    text = request.incoming.form.get("reseller", "").strip()
    reseller_id = unmatched.payee(request.session, waiting.programme, text)
    unmatched.assign(request.context, request.session, waiting.id, reseller_id, request.actor(reason).name)
    return f"{UNMATCHED_PATH}?done=assign"


def dismiss(request: ConsoleRequest, reason: str | None) -> str:
    """Take a payment that is no reseller's off the list."""
    payment_id = request.incoming.uuid("unmatched_id")
    unmatched.dismiss(request.context, request.session, payment_id, request.actor(reason))
    return f"{UNMATCHED_PATH}?done=dismiss"


def _read(request: ConsoleRequest, query: ListQuery, cursor: str | None, limit: int) -> Page[PaymentRow]:
    kind, span = query.chosen("kind", PaymentKind), query.span
    filters = PaymentFilter(kind, span.after, span.before, query.text("reference"))
    return service.page(request.session, query.reseller_id, filters, cursor, limit)


def _rows(request: ConsoleRequest, payments: Sequence[PaymentRow]) -> Sequence[Sequence[Cell]]:
    names = formatting.named(request, [str(row.reseller_id) for row in payments])
    return [
        (
            Cell(row.reference, f"{BASE_PATH}/{row.id}"),
            account_cell(names, row.reseller_id),
            Cell(row.kind),
            money_cell(row.signed, row.currency),
            Cell(at=row.paid_at),
            Cell(at=row.created_at),
        )
        for row in payments
    ]


PAYMENTS: Final = Listing(
    BASE_PATH,
    "Payments",
    "No payment matches.",
    (
        RESELLER,
        ListFilter("kind", "Kind", tuple(PaymentKind)),
        ListFilter("reference", "Reference"),
        ListFilter(FROM.name, "Paid from (UTC)", kind=FROM.kind),
        ListFilter(TO.name, "Paid until (UTC)", kind=TO.kind),
    ),
    (
        *map(ListColumn, ("Reference", "Reseller", "Kind")),
        ListColumn("Amount", figure=True),
        *map(ListColumn, ("Paid", "Entered")),
    ),
    _read,
    _rows,
    lambda row: row.id,
)


def show_payment(request: ConsoleRequest) -> TemplateResponse:
    """Show one payment. Raises NotFound."""
    row = service.get(request.session, request.incoming.uuid("payment_id"))
    names = formatting.named(request, [str(row.reseller_id), str(row.origin_id)])
    moved = row.origin_id != row.reseller_id
    facts = (
        ("Reseller", account_cell(names, row.reseller_id)),
        ("Posted to", account_cell(names, row.origin_id) if moved else Cell()),
        ("Amount", money_cell(row.signed, row.currency)),
        ("Reference", Cell(row.reference)),
        ("Paid", Cell(at=row.paid_at)),
        ("Entered", Cell(at=row.created_at)),
    )
    return ConsoleRecord(f"Payment {row.reference}", row.id, row.kind, facts).page()


def _form(request: ConsoleRequest, message: str | None = None) -> TemplateResponse:
    values = {
        "programmes": [row.code for row in list_programmes(request.session)],
        "presets": sorted(NAMED),
        "form": request.incoming.form,
        "message": message,
    }
    return TemplateResponse("payments_import.html", "Import payments", values, NAV, 422 if message else 200)


def _preview(
    upload: PaymentUpload, choices: ImportChoices, summary: ImportSummary, *, done: bool = False
) -> TemplateResponse:
    values = {
        "upload": upload,
        "summary": summary,
        "doubtful": summary.doubtful[:SHOWN],
        "accepted": ",".join(map(str, sorted(choices.accepted))),
        "left_out": ",".join(map(str, sorted(choices.left_out))),
        "done": done,
    }
    return TemplateResponse("payments_preview.html", f"Import of {upload.file}", values, NAV)


def _choices(request: ConsoleRequest, upload: PaymentUpload) -> ImportChoices:
    form = request.incoming.form
    accepted, left_out = set(_numbers(form.get("accepted", ""))), set(_numbers(form.get("left_out", "")))
    for name, choice in form.items():
        match = LINE.fullmatch(name)
        if match is not None and (choice == "accept" or form.get("act") == "accept-all"):
            accepted.add(int(match[1]))
        elif match is not None and choice == "skip":
            left_out.add(int(match[1]))
    return ImportChoices(frozenset(accepted - left_out), frozenset(left_out), upload.match, upload.mapping)


def _numbers(text: str) -> list[int]:
    if not NUMBERS.fullmatch(text):
        raise Invalid(message=f"{text[:100]} is no list of lines; use numbers such as 2,5,9.")
    return [int(number) for number in text.split(",") if number]


def _mapping(form: Mapping[str, str]) -> str:
    """Return the text of a mapping, else the chosen preset."""
    return form.get("mapping", "").replace("\r\n", "\n").strip() or form.get("preset", "")
