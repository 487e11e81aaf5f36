"""The two streams that a person reads, made so that no answer fails for the letters of a console, a closed pipe or a full disk behind them."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

from causal.errors import CausalError, ConfigError, refusal

PLAIN = "causal.plain"  # our way with letters that a console does not have
# signs of ours, and what stands for each where it cannot be printed
SIGNS = {
    "−": "-",
    "–": "-",
    "—": "-",
    "…": "...",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
    "×": "x",
    "·": "-",
    "±": "+/-",
    "≥": ">=",
    "≤": "<=",
    "→": "->",
    "←": "<-",
    "↔": "<->",
    "●": "*",
    "○": "o",
    "£": "GBP ",
    "²": "2",
    "δ": "delta",
    "\u00a0": " ",
    "\u202f": " ",
}


def ready() -> None:
    """Print what a console cannot show as the nearest that it can; a stream that was closed beforehand takes everything and shows nothing.

    Raises
    ------
    ConfigError : the working directory is gone.
    """
    codecs.register_error(PLAIN, _plain)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  open as long as the process
        elif hasattr(stream, "reconfigure"):
            with suppress(ValueError, OSError):
                stream.reconfigure(errors=PLAIN)
    try:
        os.getcwd()
    except OSError as problem:
        raise refusal(
            ConfigError, "the working directory", "a folder that is there", "one that was deleted", "go to another one with  cd  and try again"
        ) from problem


class _Told:
    """A stream whose failure is told from that of a file, wherever it is printed to: a refusal, which nobody takes for the folder's or swallows."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with _telling():
            return self._stream.write(text)

    def flush(self) -> None:
        with _telling():
            self._stream.flush()


@contextmanager
def _telling() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:  # `causal list | head`
        raise
    except OSError as problem:
        from causal.document import why

        remedy = "print elsewhere, or free some room; what stands in files is whole"
        raise refusal(ConfigError, "the standard output", "a place that takes what is printed", why(problem), remedy) from problem


@contextmanager
def printed() -> Iterator[None]:
    """See that all that is printed inside arrives.

    Raises
    ------
    ConfigError : it does not, as on a full disk.
    """
    stream = sys.stdout
    sys.stdout = cast(TextIO, _Told(stream))
    try:
        yield
    finally:
        try:
            sys.stdout.flush()
        finally:
            sys.stdout = stream


def silence() -> None:
    """Point the streams at nothing, so that what is still to be written to a closed pipe or a full disk raises nothing at the end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError, AttributeError):
                nothing = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nothing, stream.fileno())
                os.close(nothing)


def refused(problem: BaseException, command: str) -> CausalError:
    """What the system, a codec or a lost process said, as a refusal.

    Parameters
    ----------
    problem : that no room below turned into words of its own.
    command : that was called.
    """
    if isinstance(problem, OSError):
        from causal.document import why  # here, not above: it takes YAML along, and `causal --help` feels instant

        named = [os.fsdecode(name) for name in (problem.filename, problem.filename2) if isinstance(name, str | bytes)]
        remedy = "look whether it is there, may be read and written, and has room; runs=FOLDER names another place for results"
        return refusal(ConfigError, named[0] if named else command, "files and folders that can be read and written", why(problem), remedy)
    if isinstance(problem, UnicodeError):
        remedy = "look at the names of files and folders, and save texts again with the encoding UTF-8"
        return refusal(ConfigError, command, "text in UTF-8", "letters that are none", remedy)
    if isinstance(problem, MemoryError):
        return refusal(ConfigError, command, "what fits into this computer's memory", "more than that", "give it fewer rows or columns, or workers=1")
    return refusal(
        ConfigError, command, "processes that work until they are done", "one that was stopped from outside", "try workers=1, which needs less memory"
    )


def _plain(problem: UnicodeError) -> tuple[str, int]:
    if not isinstance(problem, UnicodeEncodeError):
        raise problem
    letters = problem.object[problem.start : problem.end]
    return "".join(SIGNS.get(letter, "?") for letter in letters), problem.end
