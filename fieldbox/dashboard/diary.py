"""Who did what: the owner's page, and the same as a table to keep."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from flask import Blueprint, Response, render_template, request

from fieldbox.dashboard import peoplewords
from fieldbox.dashboard.paging import page_of
from fieldbox.dashboard.ports import AuditLike, box
from fieldbox.domain import AuditFilter

diary = Blueprint("diary", __name__)
PAGE: Final = 50
ROWS_AT_ONCE: Final = 1000
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would work out instead of showing it."""


@diary.get("/diary")
def show() -> str:
    """Newest first, a page at a time; `who` and `kind` choose."""
    wanted = _wanted()
    rows, last = page_of(box().store.audits(PAGE + 1, wanted), PAGE)
    return render_template(
        "diary.html",
        rows=rows,
        older=last.id if last else None,
        first=wanted.before is None,
        who=request.args.get("who", ""),
        kind=request.args.get("kind", ""),
        actors=box().store.audit_actors(),
        kinds=peoplewords.KINDS,
        say=peoplewords,
    )


@diary.get("/diary.csv")
def table() -> Response:
    """All of what is wanted, newest first, with times in UTC."""
    store, wanted = box().store, _wanted()

    def lines() -> Iterator[str]:
        yield _line(("time", "who", "action", "detail"))
        rows = store.audits(ROWS_AT_ONCE, wanted)
        while rows:
            yield "".join(_line(_cells(row)) for row in rows)
            rows = store.audits(ROWS_AT_ONCE, replace(wanted, before=rows[-1].id))

    named = {"Content-Disposition": 'attachment; filename="fieldbox-diary.csv"'}
    return Response(lines(), mimetype="text/csv", headers=named)


def _wanted() -> AuditFilter:
    who, kind, before = (request.args.get(name, "") for name in ("who", "kind", "before"))
    return AuditFilter(
        actors=(who,) if who else None,
        actions=peoplewords.actions_of(kind) if kind in peoplewords.KINDS else None,
        other_than=kind == "other",
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 18 else None,
    )


def _cells(row: AuditLike) -> tuple[str, ...]:
    return row.at.isoformat(timespec="seconds"), row.actor, row.action, row.detail


def _line(cells: tuple[str, ...]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow("'" + cell if cell.startswith(FORMULA) else cell for cell in cells)
    return out.getvalue()
