"""The two kinds of array that the toolkit computes with, and where their memory stays."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

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
