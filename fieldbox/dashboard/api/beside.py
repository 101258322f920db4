"""What programs may ask for outside /api/v1: tiles, legends and photos, as they are described."""

from __future__ import annotations

from typing import Annotated, Any, Final

from msgspec import Meta

from fieldbox.dashboard import metrics, pictures
from fieldbox.dashboard.api.operations import Asked, Operation, declared

TAG: Final = "Tiles and pictures"
TILES: Final = ("image/png", "image/jpeg", "image/webp")


class Version(Asked):
    """Makes a browser fetch a picture anew when pictures look different than before."""

    v: Annotated[str, Meta(description="Version of the pictures; may be left out.")] | None = None


class Nothing(Asked):
    """No parameters."""


class Window(Asked):
    """Which part of a photo."""

    x: Annotated[float, Meta(gt=-1e6, lt=1e6, description="Pixels from the left.")]
    y: Annotated[float, Meta(gt=-1e6, lt=1e6, description="Pixels from the top.")]
    size: Annotated[float, Meta(gt=-1e6, lt=1e6, description="Side of the part, pixels.")] = 640
    shown: (
        Annotated[float, Meta(gt=-1e6, lt=1e6, description="Side of the picture, at most; else as large.")]
        | None
    ) = None
    mark_x: (
        Annotated[float, Meta(gt=-1e6, lt=1e6, description="Where the ring is; else in the middle.")] | None
    ) = None
    mark_y: Annotated[float, Meta(gt=-1e6, lt=1e6, description="As mark_x, from the top.")] | None = None
    bare: Annotated[bool, Meta(description="1: the spot is not marked with a ring.")] = False
    v: Annotated[str, Meta(description="Version of the pictures; may be left out.")] | None = None


def _one(
    handler: Any, rule: str, media: str | tuple[str, ...], *problems: int, query: Any = Version
) -> Operation:
    endpoint = f"pictures.{handler.__name__}"
    return declared(handler, endpoint, "GET", rule, TAG, None, media, {"query": query, "problems": problems})


BESIDE: Final[tuple[Operation, ...]] = (
    _one(pictures.tile, "/tiles/<survey_id>/<key>/<int:z>/<int:x>/<int:y>", TILES),
    _one(pictures.legend, "/legend/<key>", "image/png"),
    _one(pictures.survey_picture, "/surveys/<survey_id>/picture", TILES),
    _one(pictures.still, "/surveys/<survey_id>/still/<key>", "image/webp"),
    _one(pictures.quality_picture, "/surveys/<survey_id>/quality.svg", "image/svg+xml"),
    _one(pictures.check_picture, "/flights/<flight_id>/check.svg", "image/svg+xml"),
    _one(pictures.photo, "/photo/<digest>", "image/jpeg", 410),
    _one(pictures.photo_crop, "/photo/<digest>/crop", "image/jpeg", 410, query=Window),
    declared(
        metrics.show, metrics.ENDPOINT, "GET", "/metrics", "Figures", None, "text/plain", {"query": Nothing}
    ),
    _one(pictures.photo_original, "/photo/<digest>/original", "image/jpeg", 410),
)
