"""Which Chromium the tests drive."""

from __future__ import annotations

import os
import shutil
from typing import Final

NAMES: Final = ("chromium-headless-shell", "chromium", "chromium-browser")
"""The first that is there: the shell is the same engine without the windows, tabs and services of a desktop:
`test_review.py` took 102 s with it and 186 s without, on a busy machine."""
ARGUMENTS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str | None:
    """FIELDBOX_CHROMIUM, or the one of this machine; None: there is none."""
    found = (shutil.which(name) for name in NAMES)
    return os.environ.get("FIELDBOX_CHROMIUM") or next((one for one in found if one), None)
