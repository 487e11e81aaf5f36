"""Draws: each with a random stream of its own, made in parallel, so that neither the number of workers nor their order changes a number."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar
from zlib import crc32

import numpy as np

from causal.workers import elsewhere, spread

T = TypeVar("T")
ALONE = 0.5  # seconds of draws before other processes are asked for help


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """The random stream of a named step: adding a step moves no other's numbers.

    Parameters
    ----------
    seed : the study's.
    *names : the step's name, and numbers of draws within it.
    """
    return np.random.default_rng([seed, *(name if isinstance(name, int) else crc32(name.encode()) for name in names)])


def in_parallel(name: str, step: Callable[[int, np.random.Generator], T], draws: int, *, seed: int, workers: int, progress: bool) -> list[T]:
    """`step(draw, rng)` for each draw; each has its own stream, so the number of workers changes nothing.

    Parameters
    ----------
    name : of the stream and of the bar that shows progress.
    step : gives what it finds in one draw, of the draw's number and its stream.
    draws : how many.
    seed : of all streams.
    workers : processes; 0 or less takes every processor.
    progress : whether a terminal shows a bar.
    """
    from tqdm import tqdm

    # every fit runs with one BLAS and OpenMP thread: two gave other bits
    bar = tqdm(total=draws, desc=name, leave=False, delay=2, disable=not (progress and sys.stderr.isatty()))
    found: list[T] = []
    began = time.monotonic()
    with bar:
        # processes take about as long to start as the first draws here
        while len(found) < draws and ((workers == 1 and not elsewhere()) or time.monotonic() - began < ALONE):
            found.append(_single(step, len(found), stream(seed, name, len(found))))
            bar.update()
        if len(found) < draws:
            pending = [(draw, stream(seed, name, draw)) for draw in range(len(found), draws)]
            for one in spread(partial(_single, step), pending, workers=workers):
                found.append(one)
                bar.update()
    return found


def _single(step: Callable[[int, np.random.Generator], T], draw: int, rng: np.random.Generator) -> T:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        return step(draw, rng)


class Parallel:
    """What has a seed, workers and progress of its own, and maps a step over draws."""

    __slots__ = ()
    seed: int
    workers: int
    progress: bool

    def map(self, name: str, step: Callable[[int, np.random.Generator], T], draws: int) -> list[T]:
        """`step(draw, rng)` for each draw, in parallel; each draw has its own stream, so workers change nothing.

        Parameters
        ----------
        name : of the stream and of the bar that shows progress.
        step : gives what it finds in one draw, of the draw's number and its stream.
        draws : how many.

        Returns
        -------
        list : shape (draws,), in the order of the draws.
        """
        return in_parallel(name, step, draws, seed=self.seed, workers=self.workers, progress=self.progress)
