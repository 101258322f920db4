"""Tags of a band file by name, whichever of the makers' namespaces they stand in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from fieldbox.imagery.exif import Exif
from fieldbox.imagery.multispectral.nouns import Lens
from fieldbox.imagery.multispectral.tiff import Tiff
from fieldbox.imagery.numbers import number, within
from fieldbox.imagery.xmp import Xmp

BLACK_LEVEL, EXPOSURE, F_NUMBER, ISO, ISO_SPEED = 50714, 33434, 33437, 34855, 34867
_NAMESPACES = (
    ("micasense.com/micasense", "micasense"),
    ("micasense.com/dls", "dls"),
    ("pix4d.com", "camera"),
    ("parrot.com/sequoia", "sequoia"),
)
_LONGEST_LIST = 200
_BEGINNING = re.compile(r"\d{1,6}(?:\.\d{1,9})?")
_IDENTIFIERS = (
    ("micasense", "captureid"),
    ("camera", "captureuuid"),
    ("drone-dji", "captureuuid"),
    ("camera", "groupuuid"),
    ("sequoia", "captureuuid"),
)


def with_plain_camera(xmp: Xmp) -> Xmp:
    """`xmp` with its makers' names short, whichever version of the namespace was used."""
    plain: dict[tuple[str, str], str] = {}
    for (maker, name), value in xmp.properties.items():
        short = next((short for part, short in _NAMESPACES if part in maker), maker)
        plain.setdefault((short, name), value)
    return Xmp(plain)


def capture_id(xmp: Xmp) -> str:
    """What joins the bands of one exposure, or ""."""
    for maker, name in _IDENTIFIERS:
        found = xmp.text(maker, name).strip()
        if found.strip("0-") and len(found) <= 100 and found.isprintable():
            return found
    return ""


def numbers(text: str) -> tuple[float, ...] | None:
    """The finite numbers of a list parted by commas or blanks; None if there are none, or anything else."""
    parts = text.replace(",", " ").split()
    if not parts or len(parts) > _LONGEST_LIST:
        return None
    found = [number(part) for part in parts]
    known = tuple(value for value in found if value is not None)
    return known if len(known) == len(found) else None


@dataclass(frozen=True, slots=True)
class Source:
    """All tags of a band file."""

    tiff: Tiff
    exif: Exif
    xmp: Xmp

    def told_name(self) -> str:
        """The band's name as the maker writes it; of a list (Sequoia's colour camera) there is none."""
        name = self.xmp.text("camera", "bandname") or self.xmp.text("drone-dji", "bandname")
        return name if len(name) <= 40 and "," not in name and name.isprintable() else ""

    def tag(self, key: int) -> float | None:
        """The number of a TIFF or Exif tag."""
        value: Any = self.tiff.tags.get(key)
        return number(value[0] if isinstance(value, tuple | list) and value else value)

    def black_level(self) -> float | None:
        """Mean of the BlackLevel tag (one value for each of the sensor's positions)."""
        value: Any = self.tiff.tags.get(BLACK_LEVEL)
        if isinstance(value, str | bytes):
            text = value.decode("ascii", "replace") if isinstance(value, bytes) else value
            found = list(numbers(text.strip("\x00")) or ())
        else:
            levels = [number(part) for part in (value if isinstance(value, tuple | list) else [value])]
            found = [level for level in levels if level is not None]
        if not found or len(found) > 16:
            return None
        return within(sum(found) / len(found), 0.0, 65_000.0)

    def list(
        self, maker: str, name: str, least: int = 1, most: int = _LONGEST_LIST
    ) -> tuple[float, ...] | None:
        """The numbers of an XMP list, where there are `least` to `most` of them."""
        found = numbers(self.xmp.text(maker, name))
        return found if found is not None and least <= len(found) <= most else None

    def pixels(self) -> tuple[int, int]:
        return self.tiff.width, self.tiff.height

    def wavelength(self) -> float | None:
        return within(self._nanometres("centralwavelength"), 300.0, 20_000.0)

    def fwhm(self) -> float | None:
        return within(self._nanometres("wavelengthfwhm"), 1.0, 20_000.0)

    def _nanometres(self, name: str) -> float | None:
        """The number that the tag begins with: 560, 560nm, 560 (+/- 16) nm."""
        found = _BEGINNING.match(self.xmp.text("camera", name))
        return number(found[0]) if found else None

    def exposure(self) -> float | None:
        return within(self.tag(EXPOSURE), 1e-7, 10.0)

    def believed(self, lens: Lens | None) -> Lens | None:
        """`lens` where it could be one of a picture of this size, else None."""
        if lens is None:
            return None
        width, height = self.pixels()
        across = min(lens.fx, lens.fy) / max(width, height)
        centred = abs(lens.cx - width / 2) < 0.15 * width and abs(lens.cy - height / 2) < 0.15 * height
        small = max(abs(value) for value in (0.0, *lens.distortion)) < 10
        return lens if 0.3 <= across <= 30 and 0.9 < lens.fx / lens.fy < 1.1 and centred and small else None
