"""The cards of models become parts of a page, and nothing else gets onto it with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from fieldbox.dashboard.cards import as_html

CARDS = sorted((Path(__file__).parents[2] / "models").glob("*.md"))


def html(card: str) -> str:
    return str(as_html(card, {"weeds.md": "/box/models/weeds"}.get, "Table"))


def test_html_of_a_card_is_shown_as_text() -> None:
    shown = html("# <b>x</b>\n\n<script>alert(1)</script>\n\n<img src=x onerror=alert(1)>\n")
    assert "<script" not in shown and "<img" not in shown and "<b>" not in shown
    assert "&lt;script&gt;" in shown


def test_headings_go_below_that_of_the_page() -> None:
    assert html("# a\n## b\n###### c\n") == "<h2>a</h2>\n<h3>b</h3>\n<h6>c</h6>\n"


def test_links_lead_only_to_what_is_on_the_box() -> None:
    shown = html(
        "[here](weeds.md) [*there*](https://example.org) [x](javascript:alert(1)) ![a picture](p.svg)"
    )
    assert shown.count("<a ") == 1 and '<a href="/box/models/weeds">here</a>' in shown
    assert "<em>there</em>" in shown and "a picture" in shown
    assert "example.org" not in shown and "<img" not in shown


def test_tables_scroll_in_their_own_box_and_are_told_apart() -> None:
    shown = html("| | b |\n|---|--:|\n| 1 | 2 |\n\ntext\n\n|a|\n|-|\n|1|\n")
    assert shown.count('class="scrolls" tabindex="0" role="region"') == 2
    assert 'aria-label="Table 1"' in shown and 'aria-label="Table 2"' in shown
    assert "style=" not in shown and '<th class="num">b</th>' in shown
    assert "<th></th>" not in shown, "a header that heads nothing"


@pytest.mark.parametrize("card", CARDS, ids=lambda path: path.name)
def test_every_card_of_this_release_is_shown(card: Path) -> None:
    shown = html(card.read_text("utf-8"))
    assert len(shown) > 3000 and "<table>" in shown
    assert "style=" not in shown and "<h1" not in shown
