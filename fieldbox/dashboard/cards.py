"""The card of a model as a part of a page: Markdown without any HTML of its own, its headings below those of the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup

LinkOf = Callable[[str], str | None]
"""Where a link of a card leads on this box; None: nowhere, its words stay."""
_DEEPEST = 6


class _Renderer(RendererHTML):
    """Tables scroll within their own box."""

    def table_open(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        env["count"] = env.get("count", 0) + 1
        box = Markup('<div class="scrolls" tabindex="0" role="region" aria-label="{} {}">')
        return str(box.format(env["table"], env["count"])) + self.renderToken(tokens, at, options, env)

    def table_close(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        return self.renderToken(tokens, at, options, env) + "</div>"


def as_html(card: str, link_of: LinkOf, table: str) -> Markup:
    """A card; `table` says to screen readers what a table of it is; a number follows.

    Pictures are told by their words, and links lead only to what is on this box.
    """
    reader = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")
    tokens = reader.parse(card)
    for at, token in enumerate(tokens):
        if token.type == "th_open" and not tokens[at + 1].content:
            token.tag = tokens[at + 2].tag = "td"  # a corner heads nothing
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(_DEEPEST, int(token.tag[1]) + 1)}"
        if token.attrs.pop("style", None) == "text-align:right":  # browsers refuse styles here
            token.attrSet("class", "num")
        if token.children:
            token.children = _links(token.children, link_of)
    return Markup(reader.renderer.render(tokens, reader.options, {"table": table}))  # noqa: S704  it lets no HTML through


def _links(tokens: Sequence[Token], link_of: LinkOf) -> list[Token]:
    kept: list[Token] = []
    gone: list[bool] = []
    for token in tokens:
        if token.type == "image":
            kept.append(Token("text", "", 0, content=token.content))
            continue
        if token.type == "link_open":
            target = link_of(str(token.attrGet("href") or ""))
            gone.append(target is None)
            if target is not None:
                token.attrSet("href", target)
        if token.type == "link_close" and gone.pop():
            continue
        if token.type == "link_open" and gone[-1]:
            continue
        kept.append(token)
    return kept
