"""Languages of the pages: which there are, who has read them, one more by a file."""

from __future__ import annotations

from typing import Annotated, Final

from flask import Response, abort, request
from flask_login import current_user
from msgspec import Meta

from fieldbox.dashboard import byfile
from fieldbox.dashboard.api.kinds import Count
from fieldbox.dashboard.api.operations import Asked, Told, operation
from fieldbox.dashboard.deeds import tongues as deeds
from fieldbox.dashboard.language import languages as all_languages
from fieldbox.dashboard.ports import box
from fieldbox.i18n import reader_of

TAG = "Languages"
PO: Final = "text/x-gettext-translation"
POT: Final = "text/x-gettext-translation-template"


class LanguageTold(Told):
    """A language of the pages."""

    code: str
    name: Annotated[str, Meta(description="In that language.")]
    read_by: Annotated[str | None, Meta(description="The native speaker who has read it; null: none has.")]


class LanguageList(Told):
    """Languages that can be chosen."""

    languages: list[LanguageTold]


class LanguageAdded(Told):
    """What was taken of a translation."""

    code: str
    taken: Annotated[Count, Meta(description="Messages.")]
    of: Annotated[Count, Meta(description="Messages that there are.")]
    passed_over: Annotated[Count, Meta(description="Those whose places for values are not the English ones.")]


class Reader(Asked):
    """Who has read a language."""

    who: Annotated[str, Meta(min_length=1, max_length=deeds.LONGEST_NAME, pattern=r"\S")]


@operation("GET", "/languages", tag=TAG, answers=LanguageList)
def languages() -> LanguageList:
    """The languages of the pages, and which of them a native speaker has read."""
    return LanguageList(languages=[_told(code) for code in all_languages()])


@operation("GET", "/languages/fieldbox.pot", tag=TAG, media=POT)
def language_template() -> Response:
    """What a translator starts from: every message, without a translation."""
    return Response(byfile.template(), mimetype=POT)


@operation("POST", "/languages", tag=TAG, answers=LanguageAdded, raw=PO, status=201, problems=(422,))
def add_language() -> LanguageAdded:
    """Add a language by its translation file (.po), 2 MB at most, or put a newer one in its place."""
    if request.mimetype != PO:
        abort(415)
    came = deeds.add(current_user.name, request.get_data())
    return LanguageAdded(code=came.code, taken=came.taken, of=came.of, passed_over=came.passed_over)


@operation("PUT", "/languages/<code>/reader", tag=TAG, answers=LanguageTold, body=Reader, problems=(422,))
def note_reader(code: str, body: Reader) -> LanguageTold:
    """Note that a native speaker has read a language."""
    if code not in all_languages():
        abort(404)
    deeds.note_reader(current_user.name, code, body.who)
    return _told(code)


def _told(code: str) -> LanguageTold:
    reader = reader_of(code) or box().store.setting(deeds.read_key(code))
    return LanguageTold(code=code, name=all_languages()[code], read_by=reader)
