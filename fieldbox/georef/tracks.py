"""From pairs of points to tracks: each a thing on the ground, with all the photos that show it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from fieldbox.georef.consistent import consistent
from fieldbox.georef.matching import Pair, likely
from fieldbox.georef.ties import Ties

POINT_ERROR = 0.6
"""Of a matched point on each axis, in pixels of the searched picture, before it is estimated from the residuals."""

MOST_TIES = 300_000
"""Of a flight, about: the adjustment takes some 700 bytes for each. From about 800 photos on each photo has fewer; with
150 the surface is a little rougher, and photos agree as well."""
_SCATTER = np.uint64(0x9E3779B97F4A7C15)
"""Odd: multiplying by it (modulo 2 to the 64) puts numbers in an order without any pattern (Knuth 6.4)."""


def tracks_of(pairs: Sequence[Pair], xy: Sequence[NDArray[np.float32]], step_px: Sequence[float]) -> Ties:
    """Ties of all photos.

    xy: of each photo the pixels [N, 2] of its points; step_px: pixels of each full photo to one of the picture that was
    searched. Pairs that are not `consistent` or not `likely` are left out. Points that were matched with one another are
    one track. A track that meets a photo twice holds a wrong match, nobody knows which, and is left out.
    """
    pairs = likely(consistent(pairs))
    first = np.concatenate([[0], np.cumsum([len(one) for one in xy])]).astype(np.intp)
    total = int(first[-1])
    here = np.concatenate([first[one.first] + one.of_first for one in pairs] or [np.zeros(0, np.intp)])
    there = np.concatenate([first[one.second] + one.of_second for one in pairs] or [np.zeros(0, np.intp)])
    links = coo_array((np.ones(len(here), np.int8), (here, there)), shape=(total, total))
    _count, label = connected_components(links.tocsr(), directed=False)
    photo = np.repeat(np.arange(len(xy)), np.diff(first))
    seen = np.bincount(label, minlength=1)
    distinct = np.unique(label.astype(np.int64) * max(len(xy), 1) + photo)
    photos = np.bincount(distinct // max(len(xy), 1), minlength=len(seen))
    kept = np.flatnonzero((seen[label] > 1) & (seen[label] == photos[label]))
    track = np.unique(label[kept], return_inverse=True)[1].astype(np.intp)
    few = thinned(photo[kept], track, MOST_TIES)
    kept, track = kept[few], np.unique(track[few], return_inverse=True)[1]
    pixels = np.concatenate([np.zeros((0, 2)), *xy]).astype(float)
    sigma = POINT_ERROR * float(np.median(step_px)) if len(step_px) else POINT_ERROR
    return Ties(photo[kept], track.astype(np.intp), pixels[kept], sigma)


def thinned(photo: NDArray[np.intp], track: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    """Rows of the observations to go on with, about `most` at most: whole tracks, as many for each photo.

    Tracks of three photos and more come first, for two photos cannot contradict each other across their line.
    """
    if len(track) <= most:
        return np.arange(len(track))
    length = np.bincount(track)
    order = np.lexsort((track.astype(np.uint64) * _SCATTER, length[track] < 3, photo))
    first = np.searchsorted(photo[order], photo[order], side="left")
    rank = np.empty(len(track), np.intp)
    rank[order] = np.arange(len(track)) - first
    best = np.full(len(length), len(track), np.intp)
    np.minimum.at(best, track, rank)
    # A track is kept if it is among the first so many of any of its photos.
    upto = np.cumsum(np.bincount(best, weights=length))
    quota = int(np.searchsorted(upto, most, side="right"))
    return np.flatnonzero(best[track] < quota)
