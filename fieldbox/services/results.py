"""What the box found, for the command line: exports, summaries, the state of the box."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fieldbox.config import Config
from fieldbox.domain import OPEN, Message, MessageKind, MessageState, ZoneKind
from fieldbox.errors import Rejected
from fieldbox.i18n import N_, _
from fieldbox.modelops.files import refusals
from fieldbox.services.box import open_store
from fieldbox.services.finding import find_survey
from fieldbox.services.linktold import to_json, to_text
from fieldbox.services.outbox import in_words
from fieldbox.storage.store import Store
from fieldbox.wire import compact, frame

_SOME_BOX = "baaaaaaaa"
"""As long as any box's id: a box that belongs to no hub yet has none."""


def summary(config: Config, survey_id: str) -> str:
    """The summary of a survey as it was put into the outbox: JSON of at most 1,024 bytes."""
    return _summary(config, survey_id).body


def summary_compact(config: Config, survey_id: str) -> str:
    """The summary in its short form, as hexadecimal digits."""
    found = _summary(config, survey_id)
    return compact.pack(found.kind, found.body, found.id).hex()


def summary_sizes(config: Config, survey_id: str, *, as_json: bool) -> str:
    """What the summary takes in its forms, in bytes."""
    found = _summary(config, survey_id)
    sizes = {
        "json": len(found.body.encode()),
        "compact": len(compact.pack(found.kind, found.body, found.id)),
        "frame": len(frame.pack(_SOME_BOX, [found], Ed25519PrivateKey.generate())),
    }
    if as_json:
        return json.dumps(sizes)
    return _(
        "{json} B as JSON, {compact} B in the short form, {frame} B in a frame alone (with the box's id, the message's id and a "
        "signature)"
    ).format(**sizes)


def _summary(config: Config, survey_id: str) -> Message:
    """The newest one. Raises Rejected where there is none."""
    with open_store(config) as store:
        survey = find_survey(store, survey_id)
        told = [one for one in store.messages_of(survey.id) if one.kind is MessageKind.SUMMARY]
        if not told:
            raise Rejected(N_("The survey {id} has no summary in the outbox."), id=survey.id)
        return told[-1]


def status(config: Config, *, as_json: bool) -> str:
    """Flights, queue, surveys and disk, as text or JSON."""
    with open_store(config) as store:
        state, link = _state(config, store), store.link_state()
    if as_json:
        return json.dumps(state, ensure_ascii=False)
    lines = [
        _("{free_gb:.1f} GB free of {total_gb:.1f} GB in {root}").format(**state["disk"]),
        in_words({MessageState(name): count for name, count in state["outbox"].items()}),
    ]
    lines += to_text(link)
    lines += state["warnings"]
    lines += [
        _("flight {id}: {captures} photos, {state} ({step} {done}/{total})").format(**one)
        for one in state["flights"]
    ]
    lines += [
        _("survey {id}: field {field}, {area_ha:.3f} ha, made {made_at}").format(**one)
        for one in state["surveys"]
    ]
    return "\n".join(lines)


def _state(config: Config, store: Store) -> dict[str, Any]:
    disk = shutil.disk_usage(config.storage.root)
    fields = {field.id: field.name for field in store.fields()}
    counts = store.message_counts()
    return {
        "disk": {"free_gb": disk.free / 1e9, "total_gb": disk.total / 1e9, "root": str(config.storage.root)},
        "outbox": {state.value: count for state, count in counts.items()},
        "outbox_waiting": sum(counts[state] for state in OPEN),
        "link": to_json(store.link_state()),
        "warnings": [str(sentence) for sentence in refusals(config)],
        "flights": [
            {
                "id": row.id,
                "captures": row.captures,
                "placed": row.placed,
                "state": row.job.state if row.job else "idle",
                "step": row.job.step if row.job else "",
                "done": row.job.done if row.job else 0,
                "total": row.job.total if row.job else 0,
                "reason": str(row.job.reason) if row.job and row.job.reason else None,
            }
            for row in store.flights()
        ],
        "surveys": [
            {
                "id": s.id,
                "flight": s.flight_id,
                "field": fields.get(s.field_id),
                "area_ha": s.area_ha,
                "made_at": s.made_at.isoformat(),
            }
            for s in store.surveys()
        ],
    }


def export(config: Config, survey_id: str, layer: str, kind: str, output: Path, by: ZoneKind) -> str:
    """Write a layer of a survey to `output`; what somebody has to know of the file. Raises Rejected for what cannot be exported
    so."""
    from fieldbox.services import exporting  # noqa: PLC0415  GDAL is loaded for exports alone

    with open_store(config) as store:
        told = exporting.export(config, store, find_survey(store, survey_id), layer, kind, output, by=by)
    return str(told) if told else ""
