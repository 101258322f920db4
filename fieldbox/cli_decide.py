"""`fieldbox spraying` and `fieldbox prescribe`: how a field is treated, and what a survey says is to be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from fieldbox.cli_common import Range, as_json, with_config
from fieldbox.config import Config
from fieldbox.domain import ZoneKind

_METRES = Range(0, 1000)
_SETTINGS = (
    ("--swath-m", Range(0.1, 100), "Width that the sprayer treats at once."),
    ("--step-m", Range(0.1, 100), "Shortest stretch that it can be on or off for."),
    ("--drift-m", _METRES, "Beyond each weed that is to be wet."),
    ("--least-m2", Range(0, 10_000), "No piece of ground is smaller."),
    (
        "--aim-m",
        _METRES,
        "How far off a place it may be, if it goes by rows and sight (else as the map, by satellite).",
    ),
    ("--coverage-pct", Range(1, 100), "Share of all weeds that is to be reached."),
    ("--strategy", click.Choice(["smallest", "spots", "patches", "swaths"]), "How ground is laid out."),
    ("--direction", Range(0, 360), "Of the swaths, degrees from north (else along the rows)."),
    ("--spray-l-ha", Range(1, 5000), "Litres of the mixture to the hectare."),
    ("--tank-l", Range(0.5, 20_000), "Litres in a tank or a knapsack."),
    ("--price-per-t", Range(0, min_open=True), "Of the crop, in your money."),
    ("--yield-t-ha", Range(0, min_open=True), "Without weeds."),
    (
        "--loss-pct-per-weed",
        Range(0, 100, min_open=True),
        "Of the yield, for the first weed to the square metre.",
    ),
    (
        "--most-loss-pct",
        Range(0, 100, min_open=True),
        "Of the yield, however many weeds there are.",
    ),
    ("--cost-per-ha", Range(0, min_open=True), "Of the treatment, product and work."),
    ("--efficacy-pct", Range(0, 100, min_open=True), "Share of the weeds that it kills."),
    (
        "--from-per-m2",
        Range(0, 10_000),
        "Treat from so many weeds to the square metre, whatever the prices say.",
    ),
    ("--vigour-rates", str, "POOR,USUAL,BETTER in L/ha, for rates by how the crop stands."),
    ("--from-cover-pct", Range(0, 100), "Treat from so much of the ground covered by weeds."),
)
_BY = click.option(
    "--by",
    type=click.Choice([one.value for one in ZoneKind]),
    default=ZoneKind.WEEDS.value,
    show_default=True,
    help="Against weeds, or rates by how the crop stands.",
)
_CLEARED = {
    "products": (),
    "economics": None,
    "from-per-m2": None,
    "from-cover-pct": None,
    "direction": None,
    "keep-off": (),
    "aim-m": None,
    "vigour-rates": None,
}
_NAMES = {"direction": "direction_deg"}


def _settings(command: Any) -> Any:
    for name, kind, text in reversed(_SETTINGS):
        command = click.option(name, type=kind, help=text)(command)
    product = click.option(
        "--product",
        "products",
        multiple=True,
        metavar="NAME=L/HA",
        help="What is mixed in (repeat for more).",
    )
    return product(command)


@click.command()
@click.argument("field")
@_settings
@click.option(
    "--keep-off",
    type=click.Path(path_type=Path),
    help="Map file of ground that is never treated: water, houses.",
)
@click.option(
    "--strip-m", type=_METRES, default=5.0, show_default=True, help="Around it, where the file does not say."
)
@click.option("--clear", multiple=True, type=click.Choice(sorted(_CLEARED)), help="Forget this.")
@as_json
@with_config
def spraying(config: Config, field: str, **told: Any) -> None:
    """Show or change how FIELD is treated: sprayer, products, prices, ground that is kept off.

    FIELD is its name or code. What is told is kept for all of its surveys. None of the figures it begins with is advice: enter
    those of your sprayer, your product's label and your crop.

    \b
    Example: fieldbox spraying F01 --swath-m 3 --product "quizalofop=1.0" --keep-off pond.geojson
    """
    from fieldbox.services import deciding  # noqa: PLC0415  heavy imports only where they are needed
    from fieldbox.services.box import open_store  # noqa: PLC0415
    from fieldbox.services.finding import find_field  # noqa: PLC0415

    as_json, path, strip, cleared = (told.pop(name) for name in ("as_json", "keep_off", "strip_m", "clear"))
    with open_store(config) as store:
        found = find_field(store, field)
        before = store.spraying(found.id)
        how = deciding.changed(before, {_named(one): _CLEARED[one] for one in cleared} | _told(told))
        if path:
            how = deciding.keep_off(how, found, path, strip)
        if how != before:
            store.spray(found.id, how)
            store.audit("cli", "spraying", found.code)
    if as_json:
        click.echo(json.dumps(deciding.spraying_json(how), ensure_ascii=False))
    else:
        click.echo(deciding.spraying_text(found, how))


@click.command()
@click.argument("survey_id", metavar="SURVEY")
@_BY
@_settings
@as_json
@with_config
def prescribe(config: Config, survey_id: str, **told: Any) -> None:
    """What is sprayed where, by SURVEY: zones, litres, tanks, what is saved against spraying it all.

    Options change how the field is treated for this once (`fieldbox spraying` keeps it). `fieldbox export --layer prescription`
    writes it for a sprayer.

    \b
    Example: fieldbox prescribe 3f2a --swath-m 3 --from-per-m2 0.5
    """
    from fieldbox.services import deciding  # noqa: PLC0415
    from fieldbox.services.box import open_store  # noqa: PLC0415
    from fieldbox.services.finding import find_survey  # noqa: PLC0415

    as_json, by = told.pop("as_json"), ZoneKind(told.pop("by"))
    with open_store(config) as store:
        known = deciding.known_of(config, store, find_survey(store, survey_id))
        known = known.sprayed(deciding.changed(known.spraying, _told(told)))
        found = deciding.prescription_of(config, store, known, by)
    if as_json:
        click.echo(json.dumps(deciding.prescription_json(found), ensure_ascii=False))
    else:
        click.echo(deciding.prescription_text(known.field, found))


def _told(options: dict[str, Any]) -> dict[str, Any]:
    """What was given, by the names of the settings."""
    from fieldbox.services.deciding import products_of, rates_of, strategy_of  # noqa: PLC0415

    found = {
        _NAMES.get(name, name): value for name, value in options.items() if value is not None and value != ()
    }
    for name in ("coverage", "efficacy"):
        if f"{name}_pct" in found:
            found[name] = found.pop(f"{name}_pct") / 100
    if "strategy" in found:
        found["strategy"] = strategy_of(found["strategy"])
    if "vigour_rates" in found:
        found["vigour_rates"] = rates_of(found["vigour_rates"])
    if "products" in found:
        found["products"] = products_of(found["products"])
    return found


def _named(option: str) -> str:
    name = option.replace("-", "_")
    return _NAMES.get(name, name)
