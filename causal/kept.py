"""What took long to find is kept from one run to the next: entries of a cache, each a file that shows itself whether it is what was written.

An entry begins with the digest of all that follows. What does not fit its digest, is another person's, or may be written to by anybody is read past, as if it
were not there; whoever keeps something puts what it was made of into the name and the content, so that an entry of other files or another version is never
taken for this one. A cache that cannot be written is no reason to stop.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from causal.aside import DAY, mine

CACHE = "CAUSAL_CACHE"  # environment variable that names another folder for the cache; empty: none
LAYOUT = "causal-prevention cache 1"
HEAD = 200  # bytes: no first line is longer


def store() -> Path | None:
    """The folder of the cache; None where there is to be none, or nobody's home is known."""
    named = os.environ.get(CACHE)
    if named is not None:
        return Path(named) if named else None
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "causal-prevention"
    except RuntimeError:
        return None


def signed(content: bytes) -> bytes:
    """The first line of an entry: layout and digest of what follows."""
    return f"{LAYOUT} {hashlib.sha256(content).hexdigest()}\n".encode()


def content_of(entry: Path) -> bytes | None:
    """What an entry holds behind the digest that it must have; None where there is no such file of one's own, or it was changed."""
    try:
        at = os.open(entry, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    found = os.fstat(at)
    if not stat.S_ISREG(found.st_mode) or found.st_uid not in (os.getuid(), 0) or found.st_mode & stat.S_IWOTH:
        os.close(at)
        return None
    with os.fdopen(at, "rb") as file:
        try:
            head, content = file.readline(HEAD), file.read()
        except (OSError, MemoryError):
            return None
    return content if head == signed(content) else None


def keep(entry: Path, content: bytes, *, of_a_kind: str, most: int) -> None:
    """Write one entry, whole or not at all, and take away the oldest of its kind.

    Parameters
    ----------
    entry : where it is to stand; its name begins with what it is an entry of, up to the first hyphen.
    content : that goes behind its digest.
    of_a_kind : pattern of the names of which the newest stay; others are their owners'.
    most : how many.
    """
    folder, kind = entry.parent, entry.name.partition("-")[0]
    part: Path | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"{kind}-{mine()}.part"
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(signed(content) + content)
        part.replace(entry)
        _thin(_of_mine(folder, of_a_kind), most)
        for left in folder.glob(f"{kind}-*.part"):
            if time.time() - left.stat().st_mtime > DAY:  # another computer's, or from before names held their owner
                left.unlink(missing_ok=True)
    except OSError:
        return
    finally:
        if part is not None:
            with suppress(OSError):
                part.unlink(missing_ok=True)


def _of_mine(folder: Path, pattern: str) -> list[Path]:
    return [one for one in folder.glob(pattern) if one.is_file() and not one.is_symlink() and one.stat().st_uid == os.getuid()]


def _thin(entries: Sequence[Path], most: int) -> None:
    for old in sorted(entries, key=lambda one: one.stat().st_mtime)[:-most]:
        old.unlink(missing_ok=True)
