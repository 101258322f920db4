"""Band files: from bytes to what they say of themselves."""

from __future__ import annotations

from fieldbox.errors import Rejected
from fieldbox.i18n import N_
from fieldbox.imagery.exif import read_exif
from fieldbox.imagery.jpeg import header_of
from fieldbox.imagery.multispectral.bandnames import band_name
from fieldbox.imagery.multispectral.dji import dji_band
from fieldbox.imagery.multispectral.lookup import Source, capture_id, with_plain_camera
from fieldbox.imagery.multispectral.micasense import micasense_band
from fieldbox.imagery.multispectral.nouns import BandFile, ColourFile
from fieldbox.imagery.multispectral.sequoia import sequoia_band
from fieldbox.imagery.multispectral.tiff import read_tiff
from fieldbox.imagery.xmp import read_xmp


def read_band(data: bytes) -> BandFile:
    """What the band file `data` says of itself; the pixels are not decoded.

    Raises Rejected for what is no 16-bit TIFF of a known multispectral camera, or names no band.
    """
    tiff = read_tiff(data)
    source = Source(tiff, read_exif(data), with_plain_camera(read_xmp(tiff.xmp)))
    make, model = source.exif.make.lower(), source.exif.model.lower()
    if not band_name(source.told_name()):
        raise Rejected(
            N_(
                "The band file does not say which band it is: give the camera's original files, with their tags."
            )
        )
    if make == "micasense" or source.xmp.speaks("micasense"):
        return micasense_band(source)
    if make == "dji" or source.xmp.speaks("drone-dji"):
        return dji_band(source)
    if make == "parrot" or "sequoia" in model:
        return sequoia_band(source)
    raise Rejected(
        N_(
            "The multispectral camera {model} is not known: bands of MicaSense, Parrot Sequoia and DJI cameras can be used."
        ),
        model=f"{source.exif.make} {source.exif.model}".strip() or "?",
    )


def read_colour(data: bytes) -> ColourFile | None:
    """The colour JPEG that a multispectral DJI camera takes with its bands; None for any other file."""
    try:
        header = header_of(data)
    except Rejected:
        return None
    exif, xmp = read_exif(header.exif), with_plain_camera(read_xmp(header.xmp))
    found = capture_id(xmp)
    return ColourFile(exif.make, exif.model, found) if found else None
