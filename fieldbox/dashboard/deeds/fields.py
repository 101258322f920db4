"""What somebody does to a field."""

from __future__ import annotations

from fieldbox.dashboard.found import field_or_404
from fieldbox.dashboard.ports import box
from fieldbox.domain import Field, Spraying
from fieldbox.errors import Rejected
from fieldbox.i18n import N_

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
    """Keep how a field is treated."""
    store, found = box().store, field_or_404(field_id)
    if how != store.spraying(field_id):
        store.spray(field_id, how)
        store.audit(actor, "spraying", found.code)


def _tidy(text: str) -> str:
    return " ".join(text.split())[:LONGEST_NAME].strip()
