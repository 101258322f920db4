"""What somebody does to a field."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath

import shapely

from fieldbox.dashboard.found import field_or_404
from fieldbox.dashboard.ports import box
from fieldbox.dashboard.sprayform import STRIP_M
from fieldbox.domain import Field, Patch, Spraying
from fieldbox.errors import Rejected
from fieldbox.i18n import N_

MOST_PRODUCTS, MOST_KEPT_OFF = 20, 200
MOST_STRIP_M = 500
"""Around ground that is kept off."""
LONGEST_NAME = 80
"""Characters of a name, or of a crop."""


def rename(actor: str, field_id: int, name: str) -> Field:
    """Give a field another name. Raises Rejected for none, and for that of another field."""
    store, found = box().store, field_or_404(field_id)
    told = _tidy(name)
    if not told:
        raise Rejected(N_("A field needs a name."))
    if told == found.name:
        return found
    renamed = store.update_field(field_id, name=told)
    store.audit(actor, "field renamed", f"{field_id}: {found.name} → {told}")
    return renamed


def name_crop(actor: str, field_id: int, crop: str | None) -> Field:
    """Say what grows on a field; None or nothing: it is not known."""
    store, found = box().store, field_or_404(field_id)
    told = _tidy(crop or "") or None
    if told == found.crop:
        return found
    named = store.name_crop(field_id, told)
    store.audit(actor, "crop named", f"{field_id}: {found.crop} → {told}")
    return named


def treat(actor: str, field_id: int, how: Spraying) -> None:
    """Keep how a field is treated. Raises Rejected for ground that is kept off and has no area, and for far too much of all."""
    store, found = box().store, field_or_404(field_id)
    _require_sense(how)
    if how != store.spraying(field_id):
        store.spray(field_id, how)
        store.audit(actor, "spraying", found.code)


def keep_off(actor: str, field_id: int, data: bytes, name: str, strip_m: str) -> None:
    """Keep the ground in a GeoJSON or KML file off. Raises Rejected for what is neither, and for ground that is not near."""
    field_or_404(field_id)
    decisions = box().beyond.decisions
    if decisions is None or not _is_map(data):
        raise Rejected(
            N_("This file cannot be read: give a GeoJSON or KML file with the ground to keep off.")
        )
    kept = "".join(one if one.isalnum() else "-" for one in PurePath(name).stem)[:LONGEST_NAME] or "file"
    treat(actor, field_id, decisions.keep_off(field_id, data, kept, _metres(strip_m)))


def give_free(actor: str, field_id: int) -> None:
    """Keep no ground of a field off any more."""
    treat(actor, field_id, replace(box().store.spraying(field_or_404(field_id).id), keep_off=()))


def _is_map(data: bytes) -> bool:
    """Whether it is JSON or KML: of other kinds of files some lead to further ones on the disk."""
    text = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    known = text.startswith(b"{") or (text.startswith(b"<") and b"<kml" in text[:2000])
    return known and not any(one in data for one in (b"OGRVRT", b"<!DOCTYPE", b"<!ENTITY"))


def _metres(text: str) -> float:
    try:
        found = float(text.strip().replace(",", ".") or STRIP_M)
    except ValueError:
        found = -1.0
    if not 0 <= found <= MOST_STRIP_M:
        raise Rejected(N_("A strip is 0 to {most} m wide."), most=MOST_STRIP_M)
    return found


def _require_sense(how: Spraying) -> None:
    if len(how.products) > MOST_PRODUCTS or len(how.keep_off) > MOST_KEPT_OFF:
        raise Rejected(
            N_("At most {products} products and {places} pieces of ground that are kept off."),
            products=MOST_PRODUCTS,
            places=MOST_KEPT_OFF,
        )
    names = [one.name for one in how.products] + [one.name for one in how.keep_off]
    if max(map(len, names), default=0) > LONGEST_NAME:
        raise Rejected(N_("A name has at most {most} letters."), most=LONGEST_NAME)
    for one in how.keep_off:
        if not _is_ground(one.patch):
            raise Rejected(N_("The edge of {name} is no ring around a piece of ground."), name=one.name)


def _is_ground(patch: Patch) -> bool:
    """Whether rings of (lon, lat) are an area on the Earth that does not cross itself."""
    if not patch or any(len(ring) < 3 for ring in patch):
        return False
    if not all(abs(lon) <= 180 and abs(lat) <= 90 for ring in patch for lon, lat in ring):
        return False
    area = shapely.Polygon(patch[0], patch[1:])
    return bool(area.is_valid and area.area > 0)


def _tidy(text: str) -> str:
    return " ".join(text.split())[:LONGEST_NAME].strip()
