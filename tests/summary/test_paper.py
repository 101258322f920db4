"""Text on paper: shaped as its script asks for, in whatever mixture, and never wider than its place."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
import uharfbuzz
from fontTools.ttLib import TTFont
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from pypdf.generic import ContentStream

from fieldbox.summary.paper import FONTS, Paper, cleaned, runs

WORDS = [
    ("NotoSansDevanagari", "क्षेत्र"),
    ("NotoSansDevanagari", "खेत"),
    ("NotoSansDevanagari", "छिड़काव"),
    ("NotoSansDevanagari", "कऱ्हाड"),
    ("NotoSansTamil", "தமிழ்"),
    ("NotoSansTamil", "ஸ்ரீ"),
    ("NotoSansTelugu", "తెలుగు"),
    ("NotoSansTelugu", "క్షేత్రం"),
    ("NotoSansKannada", "ಕನ್ನಡ"),
    ("NotoSansKannada", "ಕ್ಷೇತ್ರ"),
]
CONJUNCTS = ["क्षेत्र", "ஸ்ரீ", "క్షేత్రం", "ಕ್ಷೇತ್ರ"]
TEXT = st.text(st.one_of(st.characters(), st.sampled_from("कषखत्रे ऱ‍‌ தமிழ்తెలుగుಕನ್ನಡ ½m²₹")), max_size=60)


def paper() -> Paper:
    made = Paper("A page", "en", datetime(2026, 6, 1, tzinfo=UTC))
    made.add_page()
    return made


def shaped(font: str, text: str, weight: str = "Regular") -> list[int]:
    """Numbers of the glyphs that HarfBuzz chooses in a font of ours."""
    face = uharfbuzz.Face((FONTS / f"{font}-{weight}.ttf").read_bytes())
    buffer = uharfbuzz.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    uharfbuzz.shape(uharfbuzz.Font(face), buffer)
    return [one.codepoint for one in buffer.glyph_infos]


def outlines(font: TTFont, numbers: list[int]) -> list[list[tuple[int, int]]]:
    """The corners of glyphs: what they look like."""
    names, table = font.getGlyphOrder(), font["glyf"]
    return [[tuple(map(round, one)) for one in table[names[number]].getCoordinates(table)[0]] for number in numbers]  # fmt: skip


def drawn(pdf: bytes) -> list[list[tuple[int, int]]]:
    """The corners of all glyphs on the first page of a document with one font, in the order in which they are drawn."""
    reader = PdfReader(io.BytesIO(pdf))
    page = reader.pages[0]
    (font,) = page["/Resources"]["/Font"].values()  # type: ignore[index]
    inner = font.get_object()["/DescendantFonts"][0].get_object()
    embedded = TTFont(io.BytesIO(inner["/FontDescriptor"]["/FontFile2"].get_data()))
    to_glyph = inner["/CIDToGIDMap"].get_data()
    codes: list[int] = []
    for operands, operator in ContentStream(page.get_contents(), reader).operations:
        if operator == b"Tj":
            told = operands[0]
            data = told if isinstance(told, bytes) else told.original_bytes
            codes += [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]
    numbers = [int.from_bytes(to_glyph[2 * code : 2 * code + 2], "big") for code in codes]
    return outlines(embedded, numbers)


@pytest.mark.parametrize(("font", "word"), WORDS)
@pytest.mark.parametrize("bold", [False, True])
def test_a_word_is_drawn_with_the_glyphs_that_its_script_asks_for(font: str, word: str, bold: bool) -> None:
    weight = "Bold" if bold else "Regular"
    wanted = shaped(font, word, weight)
    assert 0 not in wanted  # .notdef: an empty box
    page = paper()
    page.line(word, (20, 20), 12, bold=bold)
    assert drawn(page.done()) == outlines(TTFont(FONTS / f"{font}-{weight}.ttf"), wanted)


@pytest.mark.parametrize("word", CONJUNCTS)
def test_letters_join_to_conjuncts(word: str) -> None:
    font = next(name for name, one in WORDS if one == word)
    assert len(shaped(font, word)) < len(word)


def test_text_is_parted_by_its_scripts() -> None:
    parts = list(runs("खेत 12: தமிழ் and ಕನ್ನಡ"))
    assert "".join(part for _font, part in parts) == "खेत 12: தமிழ் and ಕನ್ನಡ"
    assert [font for font, _part in parts] == [
        "NotoSansDevanagari",
        "NotoSans",
        "NotoSansTamil",
        "NotoSans",
        "NotoSansKannada",
    ]


def test_what_no_font_has_is_marked_and_stops_nothing() -> None:
    page = paper()
    page.line("Nord 中文 اردو 😀 \ud800 \x00", (20, 20), 12)
    text = PdfReader(io.BytesIO(page.done())).pages[0].extract_text()
    assert text.startswith("Nord") and "�" in text


@settings(max_examples=20, deadline=None)
@given(TEXT, st.floats(8, 120), st.integers(1, 4))
def test_lines_stay_within_their_width(text: str, width: float, most: int) -> None:
    page = paper()
    lines = page.wrapped(text, width, 9, most=most)
    assert len(lines) <= most
    assert bool(lines) is bool(cleaned(text))
    for one in lines:
        assert page.width(one, 9) <= width + 0.01
        page.line(one, (10, 20), 9)
    page.done()


@settings(max_examples=20, deadline=None)
@given(st.text("abc कि தி ", min_size=1, max_size=80))
def test_nothing_is_lost_between_lines(text: str) -> None:
    lines = paper().wrapped(text, 25, 10)
    assert "".join(lines).replace(" ", "") == cleaned(text).replace(" ", "")


def test_a_word_without_end_is_broken_between_letters() -> None:
    lines = paper().wrapped("கி" * 40, 30, 10)
    assert len(lines) > 1
    assert all(one.startswith("க") for one in lines)


def test_a_text_that_is_cut_says_so() -> None:
    page = paper()
    assert page.cut("Short", 100, 10) == "Short"
    assert page.cut("A very long name of a field", 20, 10).endswith("…")


def test_the_same_page_is_the_same_file() -> None:
    pages = [paper(), paper()]
    for one in pages:
        one.line("खेत North", (10, 10), 12)
    assert pages[0].done() == pages[1].done()


@pytest.mark.parametrize("path", sorted(FONTS.glob("*.ttf")), ids=lambda path: path.stem)
def test_fonts_are_small_and_their_licence_lies_beside_them(path: object) -> None:
    assert path.stat().st_size < 200_000  # type: ignore[attr-defined]
    assert "SIL OPEN FONT LICENSE" in (FONTS / "OFL.txt").read_text("utf-8")
