"""The two kinds of array that the toolkit computes with, an orthonormal basis of one, and where their memory stays."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROWS_AT_ONCE = 16_384  # of a decomposition
COLLINEAR = 1e-9  # a column with less than this share of its length left is collinear with the others

# of glibc's malloc.h: what `mallopt` is told, and the most that it comes to by itself
TRIM, THRESHOLD, MAPS = -1, -3, -4
MOST_TRIM, MOST_THRESHOLD, MOST_MAPS = 64 * 2**20, 32 * 2**20, 65536


_open = [0]  # how many studies are under way, one inside another


@contextmanager
def memory_kept() -> Iterator[None]:
    """Arrays that are let go leave their memory to the next ones, and not to the system, which would hand it out page by page again; given back at the end.

    With a million rows page faults took half the processor's time, and with a thousand none of it. Where the C library is not glibc nothing is done.
    """
    library = _glibc()
    if library is None:
        yield
        return
    library.mallopt(MAPS, 0)
    library.mallopt(TRIM, 2**31 - 1)
    _open[0] += 1
    try:
        yield
    finally:
        _open[0] -= 1
        if not _open[0]:
            library.mallopt(MAPS, MOST_MAPS)
            library.mallopt(THRESHOLD, MOST_THRESHOLD)
            library.mallopt(TRIM, MOST_TRIM)
            library.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(None) if sys.platform == "linux" else None
    except OSError:
        return None
    return library if library is not None and hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None


def orthonormal(columns: Floats) -> Floats:
    """An orthonormal basis of the columns, those collinear with earlier ones left out; shape (rows, rank)."""
    lengths = np.sqrt(np.einsum("ij,ij->j", columns, columns))
    keep = lengths > 0
    if not keep.any():
        return np.empty((len(columns), 0))
    columns = columns[:, keep]
    columns /= lengths[keep]
    basis, triangle = _qr(columns)
    collinear = np.abs(np.diag(triangle)) <= COLLINEAR
    if collinear.any():
        basis, _ = _qr(columns[:, ~collinear])
    return basis


def _qr(columns: Floats) -> tuple[Floats, Floats]:
    """Q and R of a tall matrix, a block of rows that stays in the processor's cache at a time, and then those of the blocks' R (tall and skinny QR:
    Demmel, Grigori, Hoemmen & Langou 2012, Communication-optimal parallel and sequential QR and LU factorizations).
    """
    rows, k = columns.shape
    if rows <= ROWS_AT_ONCE or k * 2 > ROWS_AT_ONCE:
        basis, triangle = np.linalg.qr(columns)
        return np.asarray(basis), np.asarray(triangle)
    blocks = [slice(at, at + ROWS_AT_ONCE) for at in range(0, rows, ROWS_AT_ONCE)]
    if rows - blocks[-1].start < k:
        blocks[-2:] = [slice(blocks[-2].start, rows)]
    basis, triangles = np.empty_like(columns), []
    for block in blocks:
        basis[block], triangle = np.linalg.qr(columns[block])
        triangles.append(triangle)
    turned, triangle = np.linalg.qr(np.concatenate(triangles))
    for i, block in enumerate(blocks):
        basis[block] = basis[block] @ turned[i * k : (i + 1) * k]
    return basis, np.asarray(triangle)
