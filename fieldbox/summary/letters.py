"""Letters for pictures: of each language's script, with Latin ones from another font beside them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from pathlib import Path

from PIL import ImageDraw, ImageFont, features

ENGLISH = "en"
FONTS = Path(__file__).parent / "fonts"
FONT_FILES = {
    "en": "NotoSans-Regular.ttf",
    "hi": "NotoSansDevanagari-Regular.ttf",
    "mr": "NotoSansDevanagari-Regular.ttf",
    "ta": "NotoSansTamil-Regular.ttf",
    "te": "NotoSansTelugu-Regular.ttf",
    "kn": "NotoSansKannada-Regular.ttf",
}
_NO_LETTER = "\uffff"
"""That no font has."""
_TRIED = 32
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def fonts_in(folder: Path = FONTS) -> dict[str, Path]:
    """The font files of languages (ISO 639 codes) that there are."""
    return {code: folder / name for code, name in FONT_FILES.items() if (folder / name).exists()}


class Letters:
    """Fonts of one language. What they have no letters for is written in English."""

    def __init__(self, language: str | None, fonts: Mapping[str, Path]) -> None:
        """`fonts`: of each language a font file with its script; letters that it lacks come from the English one (or
        Pillow's own, which has the plain Latin ones), or else from any."""
        self.language = language
        latin = fonts.get(ENGLISH)
        own = fonts.get(language or ENGLISH, latin)
        self._latin = latin
        # A field may have a name in another script than the reader's.
        self._files: list[Path | None] = list(dict.fromkeys((own, latin, *fonts.values())))
        self._known: dict[str, int | None] = {}

    def words(self, say: Callable[[str | None], Sequence[str]]) -> list[str]:
        """What `say` says in the language, if that can be written; else in English."""
        found = [self.plain(one) for one in say(self.language)]
        if all(self.can_write(one) for one in found):
            return found
        return [self.plain(one) for one in say(ENGLISH)]

    def plain(self, text: str) -> str:
        """With plain signs for those that no font has, like 2 for a raised one and e for one with an accent."""
        return "".join(one if self._file_of(one) is not None else _bare(one) for one in text)

    def can_write(self, text: str) -> bool:
        """Whether the fonts have all its letters."""
        return all(self._file_of(one) is not None for one in text)

    def latin(self, size: int) -> Font:
        """For numbers and single letters, about `size` pixels high."""
        return _font(self._latin, size)

    def length(self, text: str, size: int) -> float:
        """Pixels."""
        return float(sum(font.getlength(part) for font, part in self._runs(text, size)))

    def write(
        self, pen: ImageDraw.ImageDraw, place: tuple[float, float], text: str, size: int, colour: str
    ) -> None:
        """From the left, with the line that letters stand on `size` below the place. Shaped by libraqm where Pillow has it."""
        x, y = place
        for font, part in self._runs(text, size):
            pen.text((x, y + size), part, fill=colour, font=font, anchor="ls")
            x += font.getlength(part)

    def _runs(self, text: str, size: int) -> list[tuple[Font, str]]:
        """Pieces of one font each: a word is shaped as a whole."""
        file, files = 0, []
        for one in text:
            # Marks and joiners belong to the letter before them.
            if unicodedata.category(one)[0] not in "MC":
                file = self._file_of(one) or 0
            files.append(file)
        pieces = groupby(zip(files, text, strict=True), key=lambda pair: pair[0])
        return [
            (_font(self._files[each], size), "".join(letter for _file, letter in pairs))
            for each, pairs in pieces
        ]

    def _file_of(self, letter: str) -> int | None:
        if letter not in self._known:
            has = [number for number, file in enumerate(self._files) if _has(file, letter)]
            self._known[letter] = min(has, default=None)
        return self._known[letter]


def _bare(letter: str) -> str:
    return "".join(one for one in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(one))


def _has(file: Path | None, letter: str) -> bool:
    if unicodedata.category(letter)[0] in "MC":  # marks and joiners are no letters of their own
        return True
    font = _font(file, _TRIED)
    drawn, missing = font.getmask(letter), font.getmask(_NO_LETTER)
    return drawn.size != missing.size or bytes(drawn) != bytes(missing)


@lru_cache(maxsize=32)
def _font(file: Path | None, size: int) -> Font:
    if file is None:
        return ImageFont.load_default(size)
    shaping = ImageFont.Layout.RAQM if features.check("raqm") else ImageFont.Layout.BASIC
    return ImageFont.truetype(str(file), size, layout_engine=shaping)
