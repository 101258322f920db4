"""A walk as files to take along: GPX for handheld receivers and phones, KML for maps.

GPX 1.1 (Topografix, https://www.topografix.com/GPX/1/1/gpx.xsd): the root holds metadata, waypoints, routes and tracks in this
order; of a waypoint's children, name comes before desc, sym and type. KML 2.2 (OGC 07-147r2): longitude comes first.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from xml.sax.saxutils import escape

from fieldbox.domain import Spot, SpotKind, Walk
from fieldbox.i18n import N_, Sentence, translator

NAMES = {
    SpotKind.WEEDS: N_("weeds"),
    SpotKind.CROP: N_("poor crop"),
    SpotKind.DOUBTFUL: N_("unsure"),
}
START = N_("start")
LENGTH = N_("{length} m to walk, {count} stops.")
SPOT = N_("Spot {name}")
STOP = N_("Stop {number} of {count}")
ALSO = N_("Also here: {names}")
GOOD_TO = N_("Places are good to {error} m; a phone's own place adds about 5 m.")
"""GPS.gov, "GPS Accuracy": phones are typically accurate to within 4.9 m under open sky."""
_SYMBOLS = {SpotKind.WEEDS: "Flag, Red", SpotKind.CROP: "Flag, Blue", SpotKind.DOUBTFUL: "Flag, Green"}
"""As Garmin's receivers call them; others show their own."""
_COLOURS = {SpotKind.WEEDS: "ff2b3dd9", SpotKind.CROP: "ffc97a14", SpotKind.DOUBTFUL: "ff4d9a2e"}
"""Alpha, blue, green, red."""
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CREATOR = "fieldbox"


def words_of(spot: Spot, language: str | None = None) -> list[str]:
    """Why a spot is worth a visit, and what to look at."""
    return [one.in_language(language) for one in (spot.why, *spot.checks)]


def called(name: str, language: str | None = None) -> str:
    """A place by its name: a plain number is a hotspot's."""
    return Sentence(SPOT, {"name": name}).in_language(language) if name.isdecimal() else name


def stop_of(walk: Walk, number: int, language: str | None = None) -> str:
    """Which stop of the walk a spot is, in the order of going."""
    return Sentence(STOP, {"number": number, "count": len(walk.spots)}).in_language(language)


def also_of(spot: Spot, language: str | None = None) -> str:
    """The other places that are seen from a spot; empty: none."""
    if not spot.also:
        return ""
    names = ", ".join(called(one, language) for one in spot.also)
    return Sentence(ALSO, {"names": names}).in_language(language)


def told(walk: Walk, language: str | None = None) -> list[str]:
    """What is to be known of the walk as a whole."""
    lines = [Sentence(LENGTH, {"length": round(walk.length_m), "count": len(walk.spots)})]
    if walk.error_m is not None:
        lines.append(Sentence(GOOD_TO, {"error": math.ceil(10 * walk.error_m) / 10}))
    return [one.in_language(language) for one in lines]


def to_gpx(walk: Walk, name: str, language: str | None = None) -> str:
    """A waypoint for each spot with its name, in the order in which it is walked, a route through them and the way as a track."""
    title, about = _text(name), _text(" ".join(told(walk, language)))
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<gpx version="1.1" creator="{_CREATOR}" xmlns="http://www.topografix.com/GPX/1/1">',
        f"<metadata><name>{title}</name><desc>{about}</desc></metadata>",
        *(_waypoint("wpt", walk, number, language) for number in range(1, len(walk.spots) + 1)),
        f"<rte><name>{title}</name><desc>{about}</desc>",
        *_route(walk, language),
        "</rte>",
        f"<trk><name>{title}</name><trkseg>",
        *(f'<trkpt lat="{lat:.8f}" lon="{lon:.8f}"/>' for lat, lon in walk.path),
        "</trkseg></trk>",
        "</gpx>",
    ]
    return "\n".join(lines) + "\n"


def _route(walk: Walk, language: str | None) -> Iterator[str]:
    start = _text(translator(language)(START))
    end = f'<rtept lat="{walk.start[0]:.8f}" lon="{walk.start[1]:.8f}"><name>{start}</name></rtept>'
    yield end
    for number in range(1, len(walk.spots) + 1):
        yield _waypoint("rtept", walk, number, language)
    yield end


def _waypoint(element: str, walk: Walk, number: int, language: str | None) -> str:
    spot = walk.spots[number - 1]
    return (
        f'<{element} lat="{spot.lat:.8f}" lon="{spot.lon:.8f}"><name>{_text(_name(spot, language))}</name>'
        f"<desc>{_text(_described(walk, number, language))}</desc><sym>{_SYMBOLS[spot.kind]}</sym>"
        f"<type>{spot.kind.value}</type></{element}>"
    )


def _name(spot: Spot, language: str | None) -> str:
    return f"{called(spot.name, language)} {translator(language)(NAMES[spot.kind])}"


def _described(walk: Walk, number: int, language: str | None) -> str:
    spot = walk.spots[number - 1]
    also = also_of(spot, language)
    return " ".join(
        [f"{stop_of(walk, number, language)}.", *words_of(spot, language), *([f"{also}."] if also else [])]
    )


def to_kml(walk: Walk, name: str, language: str | None = None) -> str:
    """A placemark for each spot with its name, in the order in which it is walked, one for the start, and the way as a line."""
    say = translator(language)
    path = " ".join(f"{lon:.8f},{lat:.8f}" for lat, lon in walk.path)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<kml xmlns="http://www.opengis.net/kml/2.2"><Document>',
        f"<name>{_text(name)}</name><description>{_text(' '.join(told(walk, language)))}</description>",
        *(
            f'<Style id="{kind.value}"><IconStyle><color>{colour}</color></IconStyle></Style>'
            for kind, colour in _COLOURS.items()
        ),
        '<Style id="way"><LineStyle><color>ff00d7ff</color><width>3</width></LineStyle></Style>',
        f"<Placemark><name>{_text(say(START))}</name>{_point(*walk.start)}</Placemark>",
        *(
            f"<Placemark><name>{_text(_name(spot, language))}</name>"
            f"<description>{_text(_described(walk, number, language))}</description>"
            f"<styleUrl>#{spot.kind.value}</styleUrl>{_point(spot.lat, spot.lon)}</Placemark>"
            for number, spot in enumerate(walk.spots, start=1)
        ),
        f"<Placemark><name>{_text(name)}</name><styleUrl>#way</styleUrl>"
        f"<LineString><tessellate>1</tessellate><coordinates>{path}</coordinates></LineString></Placemark>",
        "</Document></kml>",
    ]
    return "\n".join(lines) + "\n"


def _point(lat: float, lon: float) -> str:
    return f"<Point><coordinates>{lon:.8f},{lat:.8f}</coordinates></Point>"


def _text(words: str) -> str:
    """Without what no XML may hold."""
    return escape(_NO_XML.sub("", words))
