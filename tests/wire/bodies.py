"""Bodies of messages, as their schemas have them."""

from __future__ import annotations

import json
from typing import Any

from fieldbox.wire import commands
from fieldbox.wire.commands import Picture


def facts(text: str) -> str:
    """The same text for the same facts: 4 and 4.0 differ, the order of names does not matter."""
    return json.dumps(json.loads(text), sort_keys=True)


SUMMARY: dict[str, Any] = {
    "v": 1,
    "id": "0123456789abcdef0123",
    "field": "F01",
    "made": "2026-11-23T10:05:00Z",
    "area_ha": [1.235, 1.2, 1.27],
    "weed_pct": [2.1, 1.9, 2.4],
    "weeds": [1234, 1100, 1401],
    "crop_pct": [30, 28, 33],
    "crops": [54000, 51000, 57000],
    "health": None,
    "unsure_pct": [4],
    "unseen_pct": [0, 0, 1],
    "gsd_cm": 0.28,
    "pos_err_m": 3.7,
    "label": "RGB-only",
    "release": "weeds@3",
    "photos": [24, 1],
    "spots_total": 3,
    "flown": "2026-11-20T09:00:00",
    "crop": "tomato",
    "missing": 120,
    "verdict": "usable",
    "spray": {"ha": [0.21, 0.2, 0.23], "l": [42, 40, 46], "how": "swaths"},
    "spots": [[57, 12, 3.2, 18.123457, 75.123457], [None, 4, 0.5, 18.123, 75.124001]],
    "warnings": [
        "Positions are only good to 6.1 m: look around each spot, or fly with RTK.",
        "Flown at dusk.",
    ],
    "simulated": True,
    "name": "आम का खेत",
}
ALERT: dict[str, Any] = {
    "v": 1,
    "survey": "0123456789abcdef0123",
    "field": "F01",
    "made": "2026-11-23T10:05:00Z",
    "flown": "2026-11-20",
    "since": "2026-11-06",
    "why": ["weeds", "health", "spray"],
    "weeds_ha": [[1000, 890, 1200], [310, 250, 380]],
    "weed_pct": [[2.1, 1.9, 2.4], [0.7, 0.6, 0.8]],
    "health": [[41, 39.5, 43], [52, 50.1, 54]],
    "spray": {"ha": [0.21, 0.2, 0.23], "l": [42, 40, 46]},
}
BOX: dict[str, Any] = {
    "v": 1,
    "made": "2026-11-23T10:05:00Z",
    "app": "0.1.0",
    "models": ["weeds@3", "health@1", "leaves@1"],
    "up_h": 412,
    "clock": "set",
    "disk_gb": [41.2, 117.8],
    "full_days": None,
    "db_mb": 38,
    "temp_c": 61.3,
    "throttled": None,
    "surveys": 312,
    "photos_total": 41022,
    "outbox": {"waiting": 3, "sent": 1, "acknowledged": 298, "superseded": 9, "refused": 0},
    "failed": 2,
    "last_failure": "No photo of this flight could be placed, so there is nothing to map.",
}
ANSWER: dict[str, Any] = json.loads(commands.answer("0f" * 16, True, "12 messages go again.", count=12))
PICTURE: dict[str, Any] = json.loads(
    commands.picture("0f" * 16, Picture("0123456789abcdef0123", 2), bytes(range(256)) * 12, "webp")
)
