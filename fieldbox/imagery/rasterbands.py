"""What the bands of a raster are: as somebody told, as it says itself, or as their colours look."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader

from fieldbox.domain import BANDS
from fieldbox.errors import Rejected
from fieldbox.i18n import N_, Sentence
from fieldbox.imagery.rasterpixels import LEAST_COLOURS, sampled

NO_COLOURS = N_(
    "The orthomosaic does not show natural colours: plants in it cannot be told, only what it covers."
)
INDEX_LIMIT = 2.0
"""Indices lie between -1 and 1, reflectances between 0 and 1 but for what is brighter than white."""
_NAMES = (
    ("", r"lwir|thermal"),
    ("rededge", r"red ?edge(?![a-z])|^re$|^edge$"),
    ("nir", r"\bnir(?![a-z])|near ?infra ?red|\bnear ?ir\b|\binfrared\b|^n$"),
    ("red", r"\bred(?![a-z])|^r$"),
    ("green", r"\bgreen(?![a-z])|\bgrn(?![a-z])|^g$"),
    ("blue", r"\bblue?(?![a-z])|^b$"),
    ("alpha", r"\balpha\b"),
)
"""By which band descriptions name the bands; the first that fits."""
_WAVES = (("blue", 400), ("green", 500), ("", 600), ("red", 620), ("rededge", 695), ("nir", 760), ("", 1000))
"""From which wavelength on, nm."""
_WAVELENGTH = re.compile(r"(\d{3,4})(?: \d+)?(?: ?nm)?")


def codes_of(bands: Sequence[str]) -> tuple[int, ...]:
    """Bands (of BANDS) as numbers that can be kept."""
    return tuple(BANDS.index(one) for one in bands)


def bands_of(codes: Sequence[int]) -> tuple[str, ...]:
    """What `codes_of` made numbers of."""
    return tuple(BANDS[one] for one in codes)


def names_of(source: DatasetReader, told: Sequence[str]) -> tuple[tuple[str, ...], tuple[Sentence, ...]]:
    """What each band is: as somebody told, else by its description, else by its colour, else nothing; and what to say of
    that. Raises Rejected where more bands were told than there are."""
    if told:
        return _told(source, told)
    named = [_named(text or "") for text in _descriptions(source)]
    if {"red", "green", "blue"} <= set(named):
        return tuple(named), ()
    by_colour = [_by_colour(one) for one in source.colorinterp]
    merged = tuple(name or colour for name, colour in zip(named, by_colour, strict=True))
    unnamed = not any(named) and merged[0] in {"red", "grey", ""} and merged.count("alpha") <= 1
    beyond = source.count - merged.count("alpha")
    if unnamed and beyond >= LEAST_COLOURS and (beyond > LEAST_COLOURS or merged[0] != "red"):
        return _guessed(source, merged)
    if {"red", "green", "blue"} <= set(merged):
        return merged, ()
    return ("grey", *merged[1:]), (_colourless(source),)


def _colourless(source: DatasetReader) -> Sentence:
    """What is to be said of a raster without natural colours; one band of numbers with a sign is something worked out."""
    alone = source.count - source.colorinterp.count(ColorInterp.alpha) == 1
    if not alone or np.dtype(source.dtypes[0]).kind == "u":
        return Sentence(NO_COLOURS)
    values, valid = sampled(source, [1])
    if valid.any() and float(np.abs(values[0][valid]).max()) > INDEX_LIMIT:
        return Sentence(
            N_(
                "It holds heights or other numbers (DSM, DTM), not a picture: give the orthomosaic in colours (RGB)."
            )
        )
    return Sentence(
        N_(
            "It holds an index (such as NDVI) or a single band, not a picture: give the orthomosaic in colours (RGB), all"
            " bands in one file."
        )
    )


def _told(source: DatasetReader, told: Sequence[str]) -> tuple[tuple[str, ...], tuple[Sentence, ...]]:
    if len(told) > source.count:
        raise Rejected(
            N_("It has {count} bands, fewer than the {told} that were named: name them in their order."),
            count=source.count,
            told=len(told),
        )
    rest = [_by_colour(one) for one in source.colorinterp[len(told) :]]
    names = (*(_named(one) for one in told), *("alpha" if one == "alpha" else "" for one in rest))
    return names, () if {"red", "green", "blue"} <= set(names) else (Sentence(NO_COLOURS),)


def _descriptions(source: DatasetReader) -> tuple[str | None, ...]:
    """Of the bands; none where they are not in UTF-8, as GDAL has them."""
    try:
        told: tuple[str | None, ...] = source.descriptions
    except UnicodeDecodeError:
        return tuple("" for _band in range(source.count))
    return told


def _named(description: str) -> str:
    text = " ".join(re.split(r"[^a-z0-9]+", description.lower())).strip()
    name = next((name for name, form in _NAMES if re.search(form, text)), None)
    wave = _WAVELENGTH.fullmatch(text)
    if name is None and wave:
        return next((name for name, least in reversed(_WAVES) if int(wave[1]) >= least), "")
    return name or ""


def _by_colour(colour: ColorInterp) -> str:
    known = {
        ColorInterp.red: "red",
        ColorInterp.green: "green",
        ColorInterp.blue: "blue",
        ColorInterp.alpha: "alpha",
        ColorInterp.gray: "grey",
    }
    return known.get(colour, "")


def _guessed(source: DatasetReader, bands: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[Sentence, ...]]:
    """Nobody said what the bands are, or only a default did: the colours come first, from red or from blue on. Land
    reflects more red than blue light."""
    seen, valid = sampled(source, (1, 3))
    red_first = not valid.any() or float(np.median(seen[0][valid])) >= float(np.median(seen[1][valid]))
    rest = tuple("alpha" if band == "alpha" else "" for band in bands[LEAST_COLOURS:])
    if red_first:
        note = N_(
            "The orthomosaic does not name its bands; the first three are taken for red, green and blue; if they are"
            " not, name them (--bands)."
        )
        return ("red", "green", "blue", *rest), (Sentence(note),)
    note = N_(
        "The orthomosaic does not name its bands; the first is taken for blue and the third for red, for land reflects"
        " more red than blue; if they are not, name them (--bands)."
    )
    return ("blue", "green", "red", *rest), (Sentence(note),)
