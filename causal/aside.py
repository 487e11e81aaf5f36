"""Work that is not finished stands aside, under a name that says whose it is: it gets its own name when it is whole, and goes when its owner is dead.

A process that is killed cleans up nothing. So each name holds the computer and the process, and a folder a lock that the system lets go of with the process;
the next to work there takes away what both show to be nobody's, and nothing else.
"""

from __future__ import annotations

import os
import platform
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from causal.errors import ConfigError, refusal

try:
    import fcntl
except ImportError:  # another system than Linux or macOS: names alone must show it
    fcntl = None  # type: ignore[assignment]

DAY = 86_400.0  # seconds: a number of a process is given out again sooner or later
BUSY = ".busy"  # who works in a folder; it goes with the work
OWNER = re.compile(r"(?P<host>[\w.]+)-(?P<process>\d+)-[0-9a-f]{8}(?=$|\.)")


def mine() -> str:
    """A name that no other process and no other call gives: computer, process and some letters of chance."""
    return f"{_host()}-{os.getpid()}-{secrets.token_hex(4)}"


def dead(path: Path) -> bool:
    """Whether the owner that a name holds is shown to be gone; False where it holds none, or one of another computer."""
    found = OWNER.search(path.name)
    if found is None or found["host"] != _host():
        return False
    try:
        old = time.time() - path.lstat().st_mtime > DAY
    except OSError:
        return False
    if _alive(int(found["process"])) and not old:
        return False
    lock = _lock(path) if path.is_dir() and not path.is_symlink() else -1
    if lock is None:
        return False
    if lock >= 0:
        os.close(lock)
    return True


def sweep(folder: Path, pattern: str = "*") -> None:
    """Take away what dead processes left in a folder.

    Parameters
    ----------
    folder : that may hold such names.
    pattern : of the names that are looked at.
    """
    with suppress(OSError):
        for left in list(folder.glob(pattern)):
            if dead(left):
                if left.is_dir() and not left.is_symlink():
                    shutil.rmtree(left, ignore_errors=True)
                else:
                    left.unlink(missing_ok=True)


@contextmanager
def aside(home: Path) -> Iterator[Path]:
    """A locked folder of one's own below `home`, which goes at the end; so do `home`, where nobody else works there, and what was made above it for nothing.

    Parameters
    ----------
    home : of unfinished work; made if need be, and swept.

    Raises
    ------
    OSError : it cannot be made.
    """
    above = [folder for folder in home.parents if not folder.exists()]
    home.mkdir(parents=True, exist_ok=True)
    sweep(home)
    own = home / mine()
    while True:
        with suppress(FileNotFoundError):  # another took `home` away in between, since it was empty
            own.mkdir()
            break
        home.mkdir(parents=True, exist_ok=True)
    lock = _lock(own)
    try:
        yield own
    finally:
        shutil.rmtree(own, ignore_errors=True)
        if lock is not None and lock >= 0:
            os.close(lock)
        with suppress(OSError):
            for empty in (home, *above):
                empty.rmdir()


@contextmanager
def alone(folder: Path, what: str, remedy: str) -> Iterator[None]:
    """No other process does the same in the folder; one that is there already is named, and not waited for.

    Parameters
    ----------
    folder : that is there.
    what : is done in it, for the message ("a simulation").
    remedy : what to try.

    Raises
    ------
    ConfigError : another process works in it.
    """
    lock, note = _lock(folder), folder / BUSY
    if lock is None:
        try:
            who = note.read_text(encoding="utf-8", errors="replace").strip()[:120]
        except OSError:
            who = ""
        raise refusal(ConfigError, str(folder), f"a folder in which no other process does {what}", f"one that is held by {who or 'another process'}", remedy)
    try:
        with suppress(OSError):
            note.write_text(f"process {os.getpid()} on {_host()}\n", encoding="utf-8")
        yield
    finally:
        with suppress(OSError):
            note.unlink(missing_ok=True)
        if lock >= 0:
            os.close(lock)


def _host() -> str:
    return re.sub(r"[^\w.]", "_", platform.node()) or "here"


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True  # another person's
    return True


def _lock(folder: Path) -> int | None:
    """What holds the lock until it is closed or the process ends; None where another has it, -1 where there are no locks."""
    if fcntl is None:
        return -1
    at = -1
    try:
        at = os.open(folder, os.O_RDONLY)
        fcntl.flock(at, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(at)
        return None
    except OSError:  # a file system without locks
        if at >= 0:
            os.close(at)
        return -1
    return at
