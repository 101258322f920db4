"""Keep the message catalogues in step with the sources: `python -m fieldbox.dashboard.catalogue`.

What is printed (the words of reports and sheets, and the warnings of surveys) has catalogues of its own, for it is read in more
languages than the rest.

Extraction is by Babel. The template (fieldbox.pot), the translations (.po) and their compiled form
(.mo, read at run time) are all kept in the repository: the box has no build step.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from fieldbox.i18n import DOMAIN, PAPER, TRANSLATIONS

KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None,
    "N_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "say": None,
    "say_many": (1, 2),
    "Sentence": (1,),
    "Rejected": (1,),
    "Unsent": (1,),
    "Unavailable": (1,),
    "Misconfigured": (1,),
}
"""What marks a message. `_`, `N_`, `say` and `Sentence` are ours, the rest our errors and Babel's own."""
METHODS = [("**.py", "python"), ("**.html", "jinja2")]
PRINTED = ("fieldbox/summary/reportwords.py", "fieldbox/summary/sheetwords.py", "fieldbox/summary/speech.py")
"""Where the words of printed pages stand, and nothing else does."""
ALSO_PRINTED = (
    "fieldbox/checking.py",
    "fieldbox/imagery/colour.py",
    "fieldbox/imagery/scene.py",
    "fieldbox/judging.py",
    "fieldbox/looking.py",
    "fieldbox/quality.py",
    "fieldbox/surveying.py",
)
"""Where warnings of surveys stand, which printed pages tell as well."""
_NO_MESSAGES = ("t",)
"""Keys that stand where a message is looked for, as in Sentence(row["t"])."""
_BORN = datetime(2026, 11, 23, tzinfo=UTC)
"""A fixed date in the header: the files change only when a message does."""
_WIDTH = 100


def extract(repository: Path, domain: str = DOMAIN) -> Catalog:
    """The messages of a domain in the sources under `repository`, in a fixed order and without line numbers."""
    found = Catalog(
        domain=domain,
        project="fieldbox",
        version="1",
        copyright_holder="the fieldbox authors",
        msgid_bugs_address="the issues of the project",
        creation_date=_BORN,
        charset="utf-8",
        fuzzy=False,
    )
    for name, message, places in sorted(_messages(repository), key=lambda each: (str(each[1]), each[0])):
        if _belongs(name, domain):
            found.add(message, locations=[(name, 0)], context=places)
    return found


def _belongs(name: str, domain: str) -> bool:
    if name in PRINTED:
        return domain == PAPER
    return domain == DOMAIN or name in ALSO_PRINTED


def _messages(repository: Path) -> Iterator[tuple[str, str | tuple[str, ...], str | None]]:
    options = {"**.html": {"encoding": "utf-8", "silent": "false"}}
    for top in ("fieldbox", "web/templates"):
        rows = extract_from_dir(repository / top, METHODS, options, KEYWORDS)
        for name, _line, message, _comments, context in rows:
            if message not in _NO_MESSAGES:
                yield f"{top}/{name}", message, context


def read(path: Path) -> Catalog:
    """A catalogue file (.po or .pot)."""
    with path.open("rb") as source:
        return read_po(source, domain=DOMAIN)


def compiled(catalogue: Catalog) -> bytes:
    """The .mo form. Messages marked fuzzy are left out: they read as English."""
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def update(repository: Path, folder: Path = TRANSLATIONS) -> None:
    """Write the templates anew, bring every translation in line with them and compile them."""
    for domain in (DOMAIN, PAPER):
        _update(extract(repository, domain), domain, folder)


def _update(template: Catalog, domain: str, folder: Path) -> None:
    _write(template, folder / f"{domain}.pot")
    for path in sorted(folder.glob(f"*/LC_MESSAGES/{domain}.po")):
        translation = read(path)
        header = translation.header_comment
        translation.update(template, no_fuzzy_matching=True)
        translation.header_comment = header
        translation.obsolete.clear()
        _write(translation, path)
        path.with_suffix(".mo").write_bytes(compiled(translation))


def _write(catalogue: Catalog, path: Path) -> None:
    with path.open("wb") as out:
        write_po(out, catalogue, width=_WIDTH, sort_output=True, include_lineno=False)


if __name__ == "__main__":
    update(Path(__file__).parents[2])
