"""Letters of any script, if there is a font for it; never empty boxes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from fieldbox.summary.letters import FONT_FILES, Letters, fonts_in


def test_only_fonts_that_are_there_are_used(tmp_path: Path) -> None:
    assert fonts_in(tmp_path) == {}
    (tmp_path / FONT_FILES["ta"]).write_bytes(b"")
    assert fonts_in(tmp_path) == {"ta": tmp_path / FONT_FILES["ta"]}


def test_letters_that_no_font_has_are_english() -> None:
    def say(language: str | None) -> Sequence[str]:
        return ["खेत में खरपतवार"] if language == "hi" else ["Weeds in the field"]

    assert Letters("hi", {}).words(say) == ["Weeds in the field"]
    assert Letters("en", {}).words(say) == ["Weeds in the field"]
    assert not Letters("hi", {}).can_write("खेत")
    assert Letters(None, {}).plain("Campo número 3: 12 m²") == "Campo numero 3: 12 m2"
    assert Letters(None, {}).can_write("Campo numero 3: 12 m2")


DEJAVU = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")


@pytest.mark.skipif(not DEJAVU.exists(), reason="this machine has no DejaVu")
def test_the_font_of_a_language_is_used() -> None:
    greek = Letters("el", {"el": DEJAVU})
    assert greek.words(lambda language: ["Ζιζάνια"] if language == "el" else ["Weeds"]) == ["Ζιζάνια"]
    assert greek.plain("12 m²") == "12 m²"
    assert Letters("en", {"el": DEJAVU}).can_write("Αγρός")
    assert not Letters("en", {}).can_write("Αγρός")
    assert Letters("el", {}).words(lambda language: ["Ζιζάνια"] if language == "el" else ["Weeds"]) == [
        "Weeds"
    ]


@pytest.mark.skipif(not DEJAVU.exists(), reason="this machine has no DejaVu")
def test_a_line_of_two_scripts_is_drawn_with_two_fonts() -> None:
    both = Letters("el", {"el": DEJAVU})
    picture = Image.new("L", (600, 60), 0)
    both.write(ImageDraw.Draw(picture), (10, 5), "Ζιζάνια: 12", 32, "white")
    drawn = np.flatnonzero(np.asarray(picture).any(axis=0))
    assert drawn[-1] - 10 == pytest.approx(both.length("Ζιζάνια: 12", 32), abs=4)
