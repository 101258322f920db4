"""Settings: one frozen tree, read from a TOML file and from FIELDBOX_SECTION__KEY.

Every key has a default, so an empty file is a valid one. Unknown keys and wrong values are all
reported at once, each with what was meant or what is allowed.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path
from typing import Any, get_type_hints

from fieldbox.domain import AreaUnit, LinkKind
from fieldbox.errors import Misconfigured
from fieldbox.i18n import N_

DEFAULT_FILE = Path("/etc/fieldbox/fieldbox.toml")
PREFIX = "FIELDBOX_"
MB = 1_000_000
"""As network operators count."""
MOST_NAME = 60
"""Letters of the farm's name."""
MOST_THREADS = 3
"""Unless told otherwise: each takes some 200 MB on 20 MP photos, and the dashboard wants a core of a Pi."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Allowed values of a number, ends included."""

    low: float
    high: float


def bounded(default: Any, low: float, high: float) -> Any:
    """A dataclass field whose number must lie between `low` and `high`."""
    return field(default=default, metadata={"bounds": Bounds(low, high)})


@dataclass(frozen=True, slots=True)
class StorageConfig:
    """Where everything is kept."""

    root: Path = Path("/var/lib/fieldbox")
    reserve_mb: int = bounded(512, 0, 1_000_000)
    """Free space that a copy never eats into."""
    keep_days: float = bounded(0.0, 0, 36_500)
    """0: originals are kept until their room is needed."""


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """How hard the box works."""

    threads: int = bounded(0, 0, 64)
    """0: as many as the machine has cores, at most MOST_THREADS."""
    poll_seconds: float = bounded(2.0, 0.1, 3600)


@dataclass(frozen=True, slots=True)
class WebConfig:
    """Where the dashboard answers."""

    host: str = "127.0.0.1"
    port: int = bounded(8080, 1, 65535)
    names: str = ""
    """To which it answers beside addresses, localhost, *.local and the machine's own: "box.farm, fieldbox.lan"."""
    metrics_open: bool = False
    """Whether programs on the box itself read its figures without a key."""

    def __post_init__(self) -> None:
        """Raises ValueError for what is no name."""
        with _of("names"):
            for name in self.known:
                if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", name):
                    raise ValueError(f"{name!r} is no name like box.farm")

    @property
    def known(self) -> tuple[str, ...]:
        """In small letters."""
        return tuple(name.lower() for name in _listed(self.names))


@dataclass(frozen=True, slots=True)
class MapConfig:
    """The field map."""

    cell_m: float = bounded(1.0, 0.1, 50)
    photo_reduction: int = bounded(1, 1, 4)
    """1: photos are looked at in full; 2: at half scale (faster, small weeds are lost)."""


@dataclass(frozen=True, slots=True)
class IngestConfig:
    """The ways in, and how photos are grouped into flights."""

    gap_minutes: float = bounded(20.0, 1, 24 * 60)
    jump_m: float = bounded(1000.0, 10, 1_000_000)
    drop_folder: Path = Path()
    """Photos put here are taken in; empty: `drop` under the root."""
    cards_folder: Path = Path("/run/fieldbox/cards")
    """Cards and sticks are mounted below it."""
    settle_seconds: float = bounded(20.0, 0.1, 3600)
    """A file in the drop folder that was unchanged for so long is whole."""
    upload_days: float = bounded(7.0, 0.01, 365)
    """An upload that was not gone on with for so long is removed."""


@dataclass(frozen=True, slots=True)
class ModelsConfig:
    """Which model runs, and whose signature is trusted. An empty path means what came with fieldbox, or its place."""

    weeds: Path = Path()
    health: Path = Path()
    leaves: Path = Path()
    keys: Path = Path()
    """Folder of the public keys (minisign, *.pub) trusted for models from outside; empty: `keys` under the root."""
    doubt_budget: float = bounded(0.15, 0, 4)
    """Share of the first look's work that may go into looking again at what is doubtful."""


@dataclass(frozen=True, slots=True)
class MultispectralConfig:
    """The calibration panel that is photographed before a flight."""

    panel_albedo: str = ""
    """Its reflectance in each band, from its certificate: "blue=0.67, green=0.69, red=0.68, rededge=0.67, nir=0.61"."""

    def __post_init__(self) -> None:
        """Raises ValueError for what is no list of reflectances."""
        self.albedo  # noqa: B018  wrong ones are told when the settings are read

    @property
    def albedo(self) -> dict[str, float]:
        """By names of bands. Raises ValueError for what is no list of reflectances."""
        found: dict[str, float] = {}
        for part in filter(None, (one.strip() for one in self.panel_albedo.split(","))):
            name, _sign, value = part.partition("=")
            try:
                found[name.strip().lower().replace(" ", "")] = float(value)
            except ValueError:
                raise ValueError(f"{part} is not like green=0.69") from None
        if any(not 0 < value <= 1 for value in found.values()):
            raise ValueError("a reflectance lies between 0 and 1, like green=0.69")
        return found


@dataclass(frozen=True, slots=True)
class SummaryConfig:
    """What may leave the farm in a summary."""

    share_name: bool = False
    share_position: bool = False


@dataclass(frozen=True, slots=True)
class SyncConfig:
    """When and over what the box sends to its hub."""

    identity: Path = Path()
    """Folder of the box's keys, its certificate and its hub's; empty: `identity` under the root."""
    links: str = "ethernet, wifi, phone, modem, other"
    """Those that may be used, the preferred one first."""
    metered: str = "phone, modem, other"
    """Kinds of links whose bytes cost, beside those of which the system says so."""
    monthly_mb: str = "phone 20, modem 20, other 20"
    """Budget of each kind of link, in MB of 10^6 IP bytes; a kind that is not named has none."""
    cost_per_mb: str = ""
    """What a MB costs on each kind of link: "modem 0.35, phone 0", in sms.currency; for a kind that is not named it is not
    known."""
    month_starts: int = bounded(1, 1, 28)
    """Day of the month on which the budget begins anew."""
    alert_reserve_pct: float = bounded(20.0, 0, 100)
    """Share of a budget that is left to alerts."""
    quiet_hours: str = ""
    """Of each kind of link, by the box's local time: "modem 21:00-05:30, phone 22:00-06:00"."""
    alerts_in_quiet_hours: bool = False
    gather_hours: float = bounded(4.0, 0, 24 * 30)
    """On a metered link summaries wait so long for others to go with."""
    listen_hours: float = bounded(24.0, 0, 24 * 365)
    """After so long without a connection one is made even if nothing waits, to hear what the hub wants; 0: never."""
    pictures: bool = False
    """Whether the hub may ask for small pictures of spots."""
    hub_settings: bool = True
    """Whether the hub may change when and how much is sent, and the language of texts."""
    modem_connection: str = ""
    """NetworkManager's profile that is brought up for a burst; empty: none is."""

    def __post_init__(self) -> None:
        """Raises ValueError for a list that cannot be read: told when the settings are read."""
        with _of("links"):
            self.kinds  # noqa: B018
        with _of("metered"):
            self.metered_kinds  # noqa: B018
        with _of("monthly_mb"):
            self.budgets  # noqa: B018
        with _of("cost_per_mb"):
            self.costs  # noqa: B018
        with _of("quiet_hours"):
            self.quiet  # noqa: B018

    @property
    def costs(self) -> dict[LinkKind, float]:
        """Money for 10^6 IP bytes. Raises ValueError."""
        told = dict(_told_of_link(one, "0.35") for one in _listed(self.cost_per_mb))
        return {kind: _megabytes(value) for kind, value in told.items()}

    @property
    def kinds(self) -> tuple[LinkKind, ...]:
        """Links that may be used, the preferred one first. Raises ValueError."""
        return tuple(_link_kind(one) for one in _listed(self.links))

    @property
    def metered_kinds(self) -> frozenset[LinkKind]:
        """Raises ValueError."""
        return frozenset(_link_kind(one) for one in _listed(self.metered))

    @property
    def budgets(self) -> dict[LinkKind, int]:
        """IP bytes of a month. Raises ValueError."""
        told = dict(_told_of_link(one, "20") for one in _listed(self.monthly_mb))
        return {kind: round(_megabytes(value) * MB) for kind, value in told.items()}

    @property
    def quiet(self) -> dict[LinkKind, tuple[tuple[time, time], ...]]:
        """Spans of the day by local time; one whose end is not after its start runs past midnight. Raises ValueError."""
        found: dict[LinkKind, tuple[tuple[time, time], ...]] = {}
        for one in _listed(self.quiet_hours):
            kind, value = _told_of_link(one, "21:00-05:30")
            found[kind] = (*found.get(kind, ()), _span(value))
        return found


def _listed(text: str) -> list[str]:
    return [one for one in (part.strip() for part in text.split(",")) if one]


def _link_kind(name: str) -> LinkKind:
    known = [one.value for one in LinkKind]
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        meant = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
        raise ValueError(f"{name!r} is no kind of link ({meant})")
    return LinkKind(name)


def _told_of_link(text: str, example: str) -> tuple[LinkKind, str]:
    kind, _space, value = text.partition(" ")
    if not value.strip():
        raise ValueError(f"{text!r} is not like modem {example}")
    return _link_kind(kind), value.strip()


def _megabytes(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1_000_000:
        raise ValueError(f"{text!r} is no number of MB: say modem 20")
    return value


def _span(text: str) -> tuple[time, time]:
    start, _dash, end = text.partition("-")
    try:
        found = time.fromisoformat(start.strip()), time.fromisoformat(end.strip())
    except ValueError:
        raise ValueError(f"{text!r} is not like 21:00-05:30") from None
    if found[0] == found[1]:
        raise ValueError(f"{text!r} begins when it ends: leave it out")
    return found


@dataclass(frozen=True, slots=True)
class SmsConfig:
    """Texts to the agronomist."""

    send: str = "never"
    """never, alerts, or surveys (alerts too)."""
    numbers: str = ""
    """Who is texted and may text back: "+919812345678, +919800000001"."""
    language: str = "en"
    """en, hi, mr, ta, te or kn."""
    script: str = "script"
    """script, or latin: in Latin letters a text is half as long."""
    daily_parts: int = bounded(100, 0, 100)
    """Parts within 24 hours; more would not be a SIM's personal use."""
    cost_per_part: float = bounded(0.0, 0, 1000)
    currency: str = ""
    quiet_hours: str = ""
    """By the box's local time, in which only alerts go: "21:00-06:00"."""
    hub_number: str = ""
    """Of the hub's SIM; empty: as the hub told when the box joined it."""
    hub_after_hours: float = bounded(24.0, 0, 24 * 365)
    """What waited so long for data goes to the hub's SIM as texts; 0: never."""

    def __post_init__(self) -> None:
        """Raises ValueError for what cannot be meant."""
        with _of("send"):
            _one_of(self.send, ("never", "alerts", "surveys"))
        with _of("language"):
            _one_of(self.language, ("en", "hi", "mr", "ta", "te", "kn"))
        with _of("script"):
            _one_of(self.script, ("script", "latin"))
        with _of("numbers"):
            if not self.allowed and self.send != "never":
                raise ValueError(f"names nobody to text, and send is {self.send}")
        with _of("quiet_hours"):
            self.quiet  # noqa: B018
        with _of("hub_number"):
            self.hub  # noqa: B018

    @property
    def allowed(self) -> tuple[str, ...]:
        """Numbers in the form +919812345678, each once. Raises ValueError."""
        return tuple(dict.fromkeys(phone_number(one) for one in _listed(self.numbers)))

    @property
    def quiet(self) -> tuple[time, time] | None:
        """One whose end is not after its start runs past midnight. Raises ValueError."""
        return _span(self.quiet_hours) if self.quiet_hours.strip() else None

    @property
    def hub(self) -> str | None:
        """The hub's number in the form +919812345678. Raises ValueError."""
        return phone_number(self.hub_number) if self.hub_number.strip() else None


@contextmanager
def _of(key: str) -> Iterator[None]:
    """Name the setting that an error is about."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from error


def phone_number(text: str) -> str:
    """A number with its country's, without blanks and hyphens. Raises ValueError."""
    found = re.sub(r"[\s()-]", "", text)
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", found):
        raise ValueError(f"{text!r} is no telephone number with its country's, like +919812345678")
    return found


def _one_of(value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{value!r} is none of {', '.join(known)}")


@dataclass(frozen=True, slots=True)
class HubConfig:
    """The far end, where it runs."""

    folder: Path = Path()
    """Where fieldbox hub init made it; empty: `hub` under the root."""
    database: str = ""
    """A file, or postgresql+psycopg://user@host/name; empty: hub.db in its folder."""
    broker: str = "localhost"
    """Where the hub itself reaches its broker."""
    host: str = "127.0.0.1"
    """On which its page answers, which has no log-in."""
    port: int = bounded(8090, 1, 65535)


@dataclass(frozen=True, slots=True)
class LocaleConfig:
    """The language of the box and its unit of area; a person's own choice on the dashboard goes before them."""

    language: str = "en"
    area_unit: str = "ha"
    """ha, acre, guntha, cent, bigha-north, bigha-east, bigha-west or bigha-hills."""

    def __post_init__(self) -> None:
        """Raises ValueError for a unit that there is not."""
        with _of("area_unit"):
            _one_of(self.area_unit, tuple(AreaUnit))


@dataclass(frozen=True, slots=True)
class BoxConfig:
    """The box itself."""

    name: str = ""
    """Of the farm; it stands on the pages."""

    def __post_init__(self) -> None:
        """Raises ValueError for a name that is too long or has what is no letter."""
        with _of("name"):
            if len(self.name) > MOST_NAME or not self.name.isprintable():
                raise ValueError(f"must be one line of at most {MOST_NAME} letters")


@dataclass(frozen=True, slots=True)
class Config:
    """The whole tree."""

    storage: StorageConfig = StorageConfig()
    worker: WorkerConfig = WorkerConfig()
    web: WebConfig = WebConfig()
    map: MapConfig = MapConfig()
    ingest: IngestConfig = IngestConfig()
    models: ModelsConfig = ModelsConfig()
    multispectral: MultispectralConfig = MultispectralConfig()
    summary: SummaryConfig = SummaryConfig()
    sync: SyncConfig = SyncConfig()
    sms: SmsConfig = SmsConfig()
    hub: HubConfig = HubConfig()
    locale: LocaleConfig = LocaleConfig()
    box: BoxConfig = BoxConfig()
    fixed: frozenset[str] = field(default=frozenset(), metadata={"section": False})
    """Settings (`section.key`) that the environment gave: no page and no hub goes over them."""

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.storage.root / "fieldbox.db"

    @property
    def identity(self) -> Path:
        """Where the box's keys and certificates are."""
        named = self.sync.identity
        return self.storage.root / "identity" if named == Path() else named

    @property
    def hub_folder(self) -> Path:
        """Where the hub's keys, certificates and tables are, on the machine that is one."""
        named = self.hub.folder
        return self.storage.root / "hub" if named == Path() else named

    @property
    def drop_folder(self) -> Path:
        """Where photos are put to be taken in."""
        named = self.ingest.drop_folder
        return self.storage.root / "drop" if named == Path() else named

    @property
    def threads(self) -> int:
        """Worker threads, with 0 resolved for this machine."""
        return self.worker.threads or min(MOST_THREADS, os.cpu_count() or 1)


def load_config(environ: Mapping[str, str] | None = None, path: Path | None = None) -> Config:
    """Read the settings file (`path`, else FIELDBOX_CONFIG, else /etc/fieldbox/fieldbox.toml) and the environment.

    A missing default file is fine; a missing named one is not. Raises Misconfigured with every
    problem found.
    """
    environ = os.environ if environ is None else environ
    values, problems = _read_file(environ, path)
    problems += _merge_environment(values, environ)
    sections = {
        name: _build_section(name, _section_type(name), values.pop(name, {}), problems)
        for name in _section_names()
    }
    problems += [_unknown(name, _section_names()) for name in values]
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
        if section not in _section_names():
            problems.append(_unknown(section, _section_names()))
            continue
        before = getattr(config, section)
        there = {one.name: getattr(before, one.name) for one in dataclasses.fields(before)}
        plain = {key: str(value) if isinstance(value, Path) else value for key, value in there.items()}
        changed[section] = _build_section(section, type(before), plain | told, problems)
    if problems:
        raise Misconfigured(N_("The settings have errors: {problems}"), problems="; ".join(problems))
    return dataclasses.replace(config, **changed)


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


def bounds_of(name: str) -> Bounds | None:
    """What a number (`section.key`) must lie between; None: it is no number, or any will do."""
    section, _dot, key = name.partition(".")
    found: Bounds | None = _section_type(section).__dataclass_fields__[key].metadata.get("bounds")
    return found


def variable_of(name: str) -> str:
    """The environment's variable for `section.key`."""
    return PREFIX + name.replace(".", "__").upper()


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
            problems.append(_unknown(f"{name}.{key}", [f"{name}.{known}" for known in hints]))
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


def _section_names() -> list[str]:
    return [one.name for one in dataclasses.fields(Config) if one.metadata.get("section", True)]


def _section_type(name: str) -> type[Any]:
    kind: type[Any] = get_type_hints(Config)[name]
    return kind


def _unknown(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"unknown setting {name}" + (f" (did you mean {close[0]}?)" if close else "")


def settings_file(environ: Mapping[str, str], path: Path | None = None) -> Path:
    """The file that `load_config` reads."""
    named = environ.get("FIELDBOX_CONFIG")
    return path or (Path(named) if named else DEFAULT_FILE)


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


def settings() -> Iterator[tuple[str, Any]]:
    """Every setting with its default, as `section.key` and value: for documentation and `doctor`."""
    for section in _section_names():
        for key in dataclasses.fields(_section_type(section)):
            yield f"{section}.{key.name}", key.default
