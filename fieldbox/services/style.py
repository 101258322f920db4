"""In which words texts are, by the settings."""

from __future__ import annotations

from fieldbox.config import Config
from fieldbox.sync.sms.templates import Script
from fieldbox.sync.sms.texts import Style


def style_of(config: Config) -> Style:
    """In which words texts are, and what they may tell."""
    return Style(
        config.sms.language,
        Script(config.sms.script),
        config.summary.share_name,
        config.summary.share_position,
    )
