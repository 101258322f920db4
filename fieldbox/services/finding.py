"""What somebody means by a name or by the beginning of an id."""

from __future__ import annotations

from fieldbox.domain import Field, Survey
from fieldbox.errors import Rejected
from fieldbox.i18n import N_, _
from fieldbox.storage.store import Store


def find_survey(store: Store, survey_id: str) -> Survey:
    """The survey with this id, or the only one whose id begins so. Raises Rejected."""
    survey = store.survey(survey_id)
    if survey:
        return survey
    alike = [one for one in store.surveys() if one.id.startswith(survey_id)] if survey_id else []
    if len(alike) == 1:
        return alike[0]
    if alike:
        raise Rejected(N_("Several surveys begin with {id}: give more of the id."), id=survey_id)
    raise Rejected(N_("There is no survey {id}: see `fieldbox status` for those there are."), id=survey_id)


def find_field(store: Store, name: str) -> Field:
    """The field with this name or code. Raises Rejected."""
    fields = store.fields()
    found = next((one for one in fields if name in {one.name, one.code}), None)
    if found is None:
        raise Rejected(
            N_("There is no field {field}; there is {known}."),
            field=name,
            known=", ".join(one.name for one in fields) or _("none"),
        )
    return found
