"""Bring one band onto the reference band of its exposure.

The maker's own geometry comes first (rig rotations, relative optical centres, calibrated matrix); where the
files can be read in more than one way, the one under which the pictures agree best. It is right for far away
things only, since the cameras sit beside each other: the nearer the ground, the more they see it displaced.
So every exposure is refined by its own pixels: edges are compared (they are common to bands whose brightness
is not), first the whole picture coarsely, then patches, through which a plane's homography is fitted robustly.

Every second patch, like the black squares of a chess board, is kept out of the fit: how far these are off
afterwards is the stated residual. Patches do not overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fieldbox.imagery.multispectral.edges import edges, shrink
from fieldbox.imagery.multispectral.matching import Matches, grid, match

Matrix = NDArray[np.float64]
Look = Callable[[Matrix], NDArray[np.float32]]
"""The band's picture as the reference camera sees it, if the given matrix turns the reference's pixels to the band's."""

_COARSE = 4
_HALF, _STEP = 24, 50
"""Patches of 49 pixels, side by side."""
_LEAST_FIT, _LEAST_HELD_OUT = 12, 8
_OFF_PX = 1.5
"""A patch farther off than this from the fitted plane is a plant or a mistake."""
_FARTHEST = 0.2
"""Share of the picture's side by which a band may be displaced beyond its maker's geometry."""
_LEAST_COARSE = 0.15


@dataclass(frozen=True, slots=True)
class Alignment:
    """How the pixels of the reference go to those of the band (without distortion)."""

    matrix: Matrix
    """[3, 3]."""
    residual_px: float | None
    """Median over the held-out patches, in pixels of the reference; None: the pixels could not be compared."""
    residual90_px: float | None
    """90 % of the held-out patches are less far off."""
    held_out: int
    """Patches that the residual rests on."""

    @property
    def refined(self) -> bool:
        """Whether the pixels had a say."""
        return self.residual_px is not None


def align(reference: NDArray[np.float32], look: Look, candidates: Sequence[Matrix]) -> Alignment:
    """Find the matrix for a band that `look` shows, from `candidates` (at least one) of the maker's geometry.

    `reference`: edges of the reference band [h, w]. Where the pictures have too little in common, the first
    candidate is returned, with no residual.
    """
    matrix = _coarse(reference, look, candidates)
    if matrix is None:
        return Alignment(candidates[0], None, None, 0)
    for reach in (20, 8, 5):
        fitted = _fit(_matches(reference, look(matrix), reach, held_out=False))
        if fitted is None:
            return Alignment(candidates[0], None, None, 0)
        matrix = _scaled(matrix @ fitted)
    return _judged(reference, look, matrix, candidates[0])


def residuals(matches: Matches) -> NDArray[np.float64]:
    """How far each match is off, in pixels: float64 [N]."""
    return np.asarray(np.hypot(*(matches.there - matches.here).T))


def _judged(reference: NDArray[np.float32], look: Look, matrix: Matrix, rig: Matrix) -> Alignment:
    found = _matches(reference, look(matrix), 8, held_out=True)
    if len(found.score) < _LEAST_HELD_OUT:
        return Alignment(rig, None, None, len(found.score))
    off = residuals(found)
    median, most = float(np.median(off)), float(np.quantile(off, 0.9))
    if median > 4:  # half of the search's reach: no better than chance
        return Alignment(rig, None, None, len(found.score))
    return Alignment(matrix, median, most, len(found.score))


def _matches(
    reference: NDArray[np.float32], picture: NDArray[np.float32], reach: int, *, held_out: bool
) -> Matches:
    height, width = reference.shape
    centres = grid(width, height, _STEP, _HALF + reach)
    black = ((centres[:, 0] - centres[0, 0]) // _STEP + (centres[:, 1] - centres[0, 1]) // _STEP) % 2 == 1
    return match(reference, edges(picture), centres[black == held_out], _HALF, reach)


def _fit(found: Matches) -> Matrix | None:
    """The homography from `here` to `there`; an affine one where the matches are few."""
    if len(found.score) < _LEAST_FIT:
        return None
    plane, inliers = cv2.findHomography(
        found.here, found.there, cv2.RANSAC, _OFF_PX, maxIters=2000, confidence=0.999
    )
    if (
        plane is not None
        and np.count_nonzero(inliers) >= max(_LEAST_FIT, len(found.score) // 4)
        and _sane(np.asarray(plane, np.float64))
    ):
        return np.asarray(plane, np.float64)
    affine, inliers = cv2.estimateAffine2D(
        found.here, found.there, method=cv2.RANSAC, ransacReprojThreshold=3 * _OFF_PX
    )
    if affine is None or np.count_nonzero(inliers) < _LEAST_FIT:
        return None
    whole = np.vstack([affine, [0, 0, 1]])
    return np.asarray(whole, np.float64) if _sane(np.asarray(whole, np.float64)) else None


def _sane(plane: Matrix) -> bool:
    """Nearly the same picture: turned, stretched or tilted by little."""
    if not np.isfinite(plane).all() or abs(plane[2, 2]) < 1e-6:
        return False
    normal = plane / plane[2, 2]
    return bool(np.abs(normal[:2, :2] - np.eye(2)).max() < 0.15 and np.abs(normal[2, :2]).max() < 1e-3)


def _coarse(reference: NDArray[np.float32], look: Look, candidates: Sequence[Matrix]) -> Matrix | None:
    """The best of `candidates`, shifted so that the whole pictures agree best."""
    small = shrink(reference, _COARSE)
    height, width = small.shape
    down, right = int(height * _FARTHEST), int(width * _FARTHEST)
    template = small[down : height - down, right : width - right]
    if not float(template.std()) > 0:
        return None
    first = shrink(edges(look(candidates[0])), _COARSE)
    best, chosen = _LEAST_COARSE, None
    for candidate in candidates:
        turned = _warp(first, _scaled(np.linalg.inv(candidates[0]) @ candidate))
        score = cv2.matchTemplate(turned, template, cv2.TM_CCOEFF_NORMED)
        _, top, _, (column, row) = cv2.minMaxLoc(score)
        if top > best:
            shift = np.array(
                [[1, 0, (column - right) * _COARSE], [0, 1, (row - down) * _COARSE], [0, 0, 1]], np.float64
            )
            best, chosen = top, _scaled(candidate @ shift)
    return chosen


def _warp(small: NDArray[np.float32], full: Matrix) -> NDArray[np.float32]:
    """The shrunk picture `small` through a matrix of full-scale pixels (from where each pixel is taken)."""
    offset = (_COARSE - 1) / 2
    up = np.array([[_COARSE, 0, offset], [0, _COARSE, offset], [0, 0, 1]], np.float64)
    matrix = np.linalg.inv(up) @ full @ up
    size = (small.shape[1], small.shape[0])
    return np.asarray(
        cv2.warpPerspective(small, matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP), np.float32
    )


def _scaled(matrix: Matrix) -> Matrix:
    return np.asarray(matrix / matrix[2, 2], np.float64)
