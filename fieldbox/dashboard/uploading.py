"""The page for sending photos from a browser; what its script asks for is in `fieldbox.dashboard.api.uploads`."""

from __future__ import annotations

from flask import Blueprint, render_template

from fieldbox.dashboard.api.uploads import mine, uploads_or_404
from fieldbox.dashboard.language import say
from fieldbox.dashboard.ports import box
from fieldbox.dashboard.units import unit

uploading = Blueprint("uploading", __name__)
CHUNK_BYTES = 2 << 20
"""What the page sends at once: on the disk before the next one comes."""
OFFERED_AT_ONCE = 200
_STATES = ("open", "failed")


@uploading.get("/upload")
def page() -> str:
    """Choose photos and send them."""
    return render_template(
        "upload.html",
        fields=[field.name for field in box().store.fields()],
        unfinished=[one for one in mine(uploads_or_404()) if one.state in _STATES],
        setup={"chunk": CHUNK_BYTES, "batch": OFFERED_AT_ONCE, "words": _words()},
    )


def _words() -> dict[str, str]:
    """What the script says."""
    return {
        "chosen": say("%(count)s files, %(size)s", count="COUNT", size="SIZE"),
        "progress": say(
            "%(done)s of %(count)s files, %(sent)s of %(size)s",
            done="DONE",
            count="COUNT",
            sent="SENT",
            size="SIZE",
        ),
        "left": say("about %(minutes)s min left", minutes="MINUTES"),
        "soon": say("less than a minute left"),
        "away": say("The box does not answer. It goes on by itself when the phone is back in its network."),
        "paused": say("Paused."),
        "pause": say("Pause"),
        "on": say("Go on"),
        "done": say("All of it is on the box. You can close this page: the box reads the photos now."),
        "login": say("You are not logged in any more: open this page again and choose the same files."),
        "unreadable": say("The browser cannot read it any more: choose it again."),
        "damaged": say(
            "It does not arrive whole, however often it is sent: choose it again, or use the card."
        ),
        "leave": say("Photos are still being sent."),
        "megabytes": unit("MB"),
        "gigabytes": unit("GB"),
        "nothing": say("None of these files can be sent."),
    }
