"""Reading the settings: from a TOML file and from FIELDBOX_SECTION__KEY. All mistakes are reported at once."""

from __future__ import annotations

import dataclasses
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, get_type_hints

from fieldbox.config.names import PREFIX, section_names, section_type, unknown
from fieldbox.config.tree import Config
from fieldbox.config.values import Bounds
from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_

DEFAULT_FILE: Final = Path("/etc/fieldbox/fieldbox.toml")


def load_config(environ: Mapping[str, str] | None = None, path: Path | None = None) -> Config:
    """Read the settings file (`path`, else FIELDBOX_CONFIG, else /etc/fieldbox/fieldbox.toml) and the environment.

    A missing default file is fine; a missing named one is not. Raises Misconfigured with every
    problem found.
    """
    environ = os.environ if environ is None else environ
    values, problems = _read_file(environ, path)
    problems += _merge_environment(values, environ)
    sections = {
        name: _build_section(name, section_type(name), values.pop(name, {}), problems)
        for name in section_names()
    }
    problems += [unknown(name, section_names()) for name in values]
    if problems:
        raise Misconfigured(N_("The settings have errors: {problems}"), problems="; ".join(problems))
    return Config(**sections, fixed=frozenset(name for name, _text in _from_environment(environ)))


def with_values(config: Config, values: Mapping[str, Any]) -> Config:
    """`config` with some `section.key` settings changed. Raises Misconfigured with every problem found."""
    problems: list[str] = []
    by_section: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        section, _dot, key = name.partition(".")
        by_section.setdefault(section, {})[key] = value
    changed = {}
    for section, told in by_section.items():
        if section not in section_names():
            problems.append(unknown(section, section_names()))
            continue
        before = getattr(config, section)
        there = {one.name: getattr(before, one.name) for one in dataclasses.fields(before)}
        plain = {key: str(value) if isinstance(value, Path) else value for key, value in there.items()}
        changed[section] = _build_section(section, type(before), plain | told, problems)
    if problems:
        raise Misconfigured(N_("The settings have errors: {problems}"), problems="; ".join(problems))
    return dataclasses.replace(config, **changed)


def settings_file(environ: Mapping[str, str], path: Path | None = None) -> Path:
    """The file that `load_config` reads."""
    named = environ.get("FIELDBOX_CONFIG")
    return path or (Path(named) if named else DEFAULT_FILE)


def _read_file(environ: Mapping[str, str], path: Path | None) -> tuple[dict[str, Any], list[str]]:
    named = path or (Path(environ["FIELDBOX_CONFIG"]) if environ.get("FIELDBOX_CONFIG") else None)
    try:
        return tomllib.loads((named or DEFAULT_FILE).read_text("utf-8")), []
    except FileNotFoundError:
        return {}, [f"{named} does not exist"] if named else []
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return {}, [f"{named or DEFAULT_FILE}: {error}"]


def _from_environment(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Settings of the environment, by `section.key`."""
    for name, text in environ.items():
        if name.startswith(PREFIX) and "__" in name:
            yield name.removeprefix(PREFIX).lower().replace("__", ".", 1), text


def _merge_environment(values: dict[str, Any], environ: Mapping[str, str]) -> list[str]:
    problems = []
    for name, text in _from_environment(environ):
        section, _dot, key = name.partition(".")
        table = values.setdefault(section, {})
        if isinstance(table, dict):
            table[key] = text
        else:
            problems.append(f"{section} must be a section")
    return problems


def _build_section(name: str, kind: type[Any], raw: Any, problems: list[str]) -> Any:
    if not isinstance(raw, dict):
        problems.append(f"{name} must be a section, like [{name}]")
        return kind()
    hints = get_type_hints(kind)
    good = {}
    for key, value in raw.items():
        if key not in hints:
            problems.append(unknown(f"{name}.{key}", [f"{name}.{known}" for known in hints]))
            continue
        try:
            good[key] = _convert(value, hints[key], kind.__dataclass_fields__[key].metadata.get("bounds"))
        except ValueError as error:
            problems.append(f"{name}.{key}: {error}")
    try:
        return kind(**good)
    except ValueError as error:
        problems.append(f"{name}: {error}")
        return kind()


def _convert(value: Any, kind: type[Any], bounds: Bounds | None) -> Any:
    if kind is bool:
        return _as_bool(value)
    if kind is Path or kind is str:
        if not isinstance(value, str):
            raise ValueError("must be text")
        return kind(value)
    if isinstance(value, bool):
        raise ValueError("must be a number")
    try:
        number = kind(value)
        if isinstance(value, float) and number != value:
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{value!r} is no {'whole number' if kind is int else 'number'}") from None
    if bounds and not bounds.low <= number <= bounds.high:
        raise ValueError(f"{value} must lie between {bounds.low:g} and {bounds.high:g}")
    return number


def _as_bool(value: Any) -> bool:
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    known = words.get(str(value).lower())
    if known is None:
        raise ValueError(f"{value!r} must be true or false")
    return known
