"""Writing settings into a file that people write too."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from fieldbox.config.reading import load_config
from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_


def write_settings(file: Path, values: Mapping[str, str | int]) -> None:
    """Set `section.key` settings in a settings file, made if need be; comments and other keys stay as they are.

    The file is replaced whole. Raises Misconfigured where it cannot be written, or would not be valid then.
    """
    try:
        text = file.read_text("utf-8") if file.exists() else ""
        lines = text.splitlines()
        for name, value in values.items():
            section, _dot, key = name.partition(".")
            _set_line(lines, section, key, json.dumps(value, ensure_ascii=False))
        partial = file.with_name(file.name + ".part")
        file.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text("\n".join(lines) + "\n", "utf-8")
        try:
            load_config({}, partial)
        except Misconfigured:
            partial.unlink()
            raise
        partial.replace(file)
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(
            N_("The settings file {file} cannot be written: {why}."), file=str(file), why=str(error)
        ) from error


def _set_line(lines: list[str], section: str, key: str, value: str) -> None:
    """Replace the line of a key in its section, or add it; `lines` are of a TOML file as people write them."""
    headers = [n for n, line in enumerate(lines) if re.match(r"\s*\[", line)]
    start = next((n for n in headers if re.match(rf"\s*\[\s*{section}\s*\]", lines[n])), None)
    if start is None:
        lines += [f"[{section}]", f"{key} = {value}"]
        return
    end = next((n for n in headers if n > start), len(lines))
    for n in range(start + 1, end):
        if re.match(rf"\s*{key}\s*=", lines[n]):
            lines[n] = f"{key} = {value}"
            return
    lines.insert(start + 1, f"{key} = {value}")
