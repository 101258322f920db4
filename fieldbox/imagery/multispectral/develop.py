"""The band files of one exposure to aligned reflectance: the one entry point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fieldbox.errors import Rejected
from fieldbox.i18n import N_, Sentence
from fieldbox.imagery.multispectral.align import Alignment, Matrix, align
from fieldbox.imagery.multispectral.calibration import calibrate
from fieldbox.imagery.multispectral.developed import Developed
from fieldbox.imagery.multispectral.edges import edges
from fieldbox.imagery.multispectral.geometry import candidates
from fieldbox.imagery.multispectral.nouns import PANCHROMATIC, THERMAL, BandFile
from fieldbox.imagery.multispectral.optics import lens_of, look, pinhole, reference_camera, reference_matrix
from fieldbox.imagery.multispectral.panel import Panel
from fieldbox.imagery.multispectral.radiometry import radiance
from fieldbox.imagery.multispectral.tags import read_band
from fieldbox.imagery.multispectral.tiff import read_pixels

MAX_BANDS = 12
MAX_TOTAL_PIXELS = 120_000_000
"""Of the result, all bands: 480 MB. The largest known exposure (ten bands of a MicaSense dual camera) has 12 million."""
_REFERENCES = ("green", "red", "rededge", "nir", "blue")
"""Which band the others are brought onto: green has edges in common with all of them."""
_MUCH_BURNT = 0.02
_FAR_OFF_PX = 1.0


def develop(files: Sequence[bytes], panel: Panel | None = None) -> Developed:
    """The band files of one exposure, in any order, to aligned planes of reflectance or relative radiance.

    Thermal and panchromatic bands are left out, with a sentence. One band is worked on at a time. Raises
    Rejected, with one sentence, if a file is no usable band, the files are of several exposures, a band is
    there twice, or there is none.
    """
    told = [read_band(data) for data in files]
    _same_exposure(told)
    used = [
        (band, data)
        for band, data in zip(told, files, strict=True)
        if band.name not in (THERMAL, PANCHROMATIC)
    ]
    used.sort(key=lambda pair: (pair[0].wavelength_nm or 1e9, pair[0].name))
    warnings = [_left_out(band) for band in told if band.name in (THERMAL, PANCHROMATIC)]
    _refuse(used)
    bands = [band for band, _ in used]
    reference = reference_of(bands)
    calibration = calibrate(bands, panel)
    work = _Work(bands, reference)
    order = [reference, *(index for index in range(len(bands)) if index != reference)]
    for index in order:
        work.add(index, used[index][1], calibration.factors[index])
    return Developed(
        bands=work.planes,
        names=tuple(band.name for band in bands),
        wavelengths=tuple(band.wavelength_nm for band in bands),
        label=calibration.label,
        light=calibration.light,
        like_reflectance=calibration.like_reflectance,
        camera=reference_camera(bands[reference]),
        reference=bands[reference],
        residual_px=tuple(work.residuals),
        warnings=(*warnings, *calibration.warnings, *work.warnings),
    )


class _Work:
    """The planes as they come."""

    def __init__(self, bands: Sequence[BandFile], reference: int) -> None:
        one = bands[reference]
        self.planes: NDArray[np.float32] = np.empty((one.height, one.width, len(bands)), np.float32)
        self.residuals: list[float | None] = [None] * len(bands)
        self.warnings: list[Sentence] = []
        self._bands, self._reference = bands, one
        self._size = (one.width, one.height)
        self._edges: NDArray[np.float32] | None = None

    def add(self, index: int, data: bytes, factor: float) -> None:
        """Develop band `index`; the reference has to be the first."""
        band = self._bands[index]
        exposed = radiance(band, read_pixels(data))
        if exposed.saturated > _MUCH_BURNT:
            self.warnings.append(_burnt(band, exposed.saturated))
        if band.vignette is None:
            self.warnings.append(_uneven(band))
        lens = lens_of(band)
        to_ray = np.linalg.inv(_pinhole(band, is_reference=self._edges is None))

        def seen(matrix: Matrix) -> NDArray[np.float32]:
            return look(exposed.pixels, lens, to_ray @ matrix, self._size)

        if self._edges is None:
            picture = seen(np.eye(3))
            self._edges, self.residuals[index] = edges(picture), 0.0
        else:
            alignment = align(self._edges, seen, candidates(self._reference, band))
            self._judge(index, alignment)
            picture = seen(alignment.matrix)
        picture *= np.float32(factor)
        self.planes[:, :, index] = picture

    def _judge(self, index: int, alignment: Alignment) -> None:
        residual = self.residuals[index] = alignment.residual_px
        name = self._bands[index].name
        if residual is None:
            self.warnings.append(
                Sentence(
                    N_(
                        "The band {band} could not be aligned by its picture, only by the maker's geometry: it may"
                        " be off by several pixels, the more the lower the flight."
                    ),
                    {"band": name},
                )
            )
        elif residual > _FAR_OFF_PX:
            self.warnings.append(
                Sentence(
                    N_("The band {band} is off by {px} pixels: fly higher or slower."),
                    {"band": name, "px": round(residual, 1)},
                )
            )


def _pinhole(band: BandFile, *, is_reference: bool) -> Matrix:
    return reference_matrix(band) if is_reference else pinhole(lens_of(band))


def _same_exposure(told: Sequence[BandFile]) -> None:
    if len({(band.maker, band.capture_id) for band in told}) > 1:
        raise Rejected(N_("The band files are not all of one exposure."))


def _refuse(used: Sequence[tuple[BandFile, bytes]]) -> None:
    if not used:
        raise Rejected(N_("The exposure has no band that can be used: give the camera's original files."))
    names = [band.name for band, _ in used]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Rejected(N_("The exposure has the band {band} twice."), band=", ".join(twice))
    largest = max(band.width * band.height for band, _ in used)
    if len(used) > MAX_BANDS or len(used) * largest > MAX_TOTAL_PIXELS:
        raise Rejected(N_("The exposure has too many bands or pixels."))


def reference_of(bands: Sequence[BandFile]) -> int:
    """Number of the band that the others are brought onto."""
    for name in _REFERENCES:
        for number, band in enumerate(bands):
            if band.name == name:
                return number
    return 0


def _left_out(band: BandFile) -> Sentence:
    if band.name == THERMAL:
        return Sentence(N_("The thermal band is kept, but not used: it is no reflected light."))
    return Sentence(N_("The panchromatic band is kept, but not used: it is no single colour."))


def _burnt(band: BandFile, share: float) -> Sentence:
    return Sentence(
        N_("{percent} % of the band {band} is burnt out and unknown: let the camera choose the exposure."),
        {"band": band.name, "percent": round(100 * share)},
    )


def _uneven(band: BandFile) -> Sentence:
    return Sentence(
        N_(
            "The file of the band {band} does not state how its lens darkens towards the edges: it is not evened out."
        ),
        {"band": band.name},
    )
