"""One file from the web, whole and verified, or a plain reason why not; what came before a cut is kept and gone on from.

Bytes go to NAME.part as they came; NAME.part.json says from where and with which validator. A second call asks for the rest only (`Range`), on
condition that the file is still the same (`If-Range`); a server that knows no ranges sends all of it again. The file gets its name last of all, by a
step that cannot replace another file. R. Fielding, M. Nottingham and J. Reschke, HTTP Semantics, RFC 9110 (2022), sections 10.2.3, 13.1.5 and 14.

The standard library is used because it takes a council's proxy and certificates from where the computer has them.
"""

from __future__ import annotations

import gzip
import http.client
import json
import os
import shutil
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from pathlib import Path
from typing import IO, Any, TypeVar, cast
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from tqdm import tqdm

from causal.errors import DataError, placed, refusal
from causal.sources.england.book import digest

LONGEST_WAIT = 120.0  # seconds: a server that asks for more is left alone until the user comes back
LARGEST = 2 * 2**30  # bytes: no published table is near it, and an endless answer must not fill a disk
LARGEST_ANSWER = 50 * 2**20  # bytes of JSON
CHUNK = 64 * 1024
BUSY = {408, 429, 500, 502, 503, 504}
GZIP = b"\x1f\x8b"

T = TypeVar("T")


class _Again(Exception):
    """Something that may pass: cut off, busy, silent.

    after : seconds that the server asks to wait, None if it does not say.
    stale : what is on the disk cannot be gone on from.
    """

    def __init__(self, words: str, *, after: float | None = None, stale: bool = False) -> None:
        super().__init__(words)
        self.after = after
        self.stale = stale


class _Useless(DataError):
    """What came is of no use to a later call either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A file that came whole: where it waits for its name, its SHA-256 and its size in bytes."""

    path: Path
    sha256: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """How the web is asked.

    Parameters
    ----------
    loopback : allow plain http to this computer itself (tests); every other address must be https, after a redirect too.
    timeout : seconds without a byte before a connection counts as cut.
    tries : how often one file or list is asked for in all.
    wait : what waits, in seconds.
    say : takes one line on each wait.
    """

    loopback: bool = False
    timeout: float = 30.0
    tries: int = 5
    wait: Callable[[float], None] = time.sleep
    say: Callable[[str], None] = print

    def json(self, address: str) -> Any:
        """A JSON answer. Raises DataError when none comes or it is not JSON."""

        def once() -> bytes:
            with self._open(address, {}) as response:
                return b"".join(_chunks(response, limit=LARGEST_ANSWER))

        data = self._patiently(address, once)
        try:
            return json.loads(gzip.decompress(data) if data.startswith(GZIP) else data)
        except (ValueError, OSError, EOFError, zlib.error) as problem:
            raise refusal(DataError, address, "JSON", f"{data[:40]!r}… ({problem})", "try again later, or get the file by hand") from None

    def download(self, address: str, target: Path, *, sha256: str = "") -> Whole:
        """Bring a file as far as its last step, which is `place`.

        Parameters
        ----------
        address : https, or http to this computer where that is allowed.
        target : where it shall stand in the end; not touched.
        sha256 : what it must have; "" if unknown.

        Raises
        ------
        DataError : refused, gone, cut too often, of another SHA-256, or a web page in place of a file.
        OSError : the folder cannot be written to.
        """
        part, note = _beside(target)
        if part.exists() and not note.exists():
            raise refusal(DataError, str(part), "a part of one of these downloads, or nothing", "something else", "move it away and try again")

        def once() -> Whole:
            try:
                resumed = self._bring(address, part, note, known=bool(sha256), name=target.name)
                whole = _whole(part, target)
                if sha256 and whole.sha256 != sha256:
                    words = f"{address}: wanted the file with SHA-256 {sha256}, got {whole.sha256}; the publisher may have changed it"
                    if resumed:  # the two pieces may be of two files: once more, from the start
                        raise _Again(words, stale=True)
                    raise refusal(_Useless, address, f"the file with SHA-256 {sha256}", whole.sha256, "see whether the publisher has changed it")
            except _Again as again:
                if again.stale:
                    discard(target)
                raise
            return whole

        try:
            return self._patiently(address, once)
        except DataError as problem:
            if isinstance(problem, _Useless) or not begun(address, target)[0]:
                discard(target)
            raise

    def _patiently(self, address: str, once: Callable[[], T]) -> T:
        """Try, wait as told (or 1, 2, 4 … seconds), and try again, a bounded number of times."""
        for turn in range(1, self.tries + 1):
            try:
                return once()
            except _Again as again:
                seconds = float(2 ** (turn - 1)) if again.after is None else again.after
                if seconds > LONGEST_WAIT:
                    raise refusal(
                        DataError,
                        address,
                        "an answer",
                        f"{str(again).removeprefix(address + ': ')}, and the server asks to wait {seconds:.0f} seconds",
                        "try again after that",
                    ) from None
                if turn == self.tries:
                    raise refusal(
                        DataError,
                        address,
                        f"an answer within {turn}",
                        f"{str(again).removeprefix(address + ': ')}; given up after {turn} tries",
                        "try again later",
                    ) from None
                self.say(f"{again}; again in {seconds:.0f} s")
                self.wait(seconds)
        raise refusal(DataError, address, "tries of at least 1", f"{self.tries}", "give one or more")

    def _bring(self, address: str, part: Path, note: Path, *, known: bool, name: str) -> bool:
        """Fill NAME.part from where it stands; whether an earlier piece was gone on from."""
        start, tag = begun(address, part.with_name(name))
        with self._open(address, {"Range": f"bytes={start}-", "If-Range": tag} if start else {}) as response:
            kind = response.headers.get_content_type()
            if not known and kind == "text/html":  # a sign-in page of a network, or a page on an error, that calls itself a success
                raise refusal(DataError, address, "a file", "a web page", "open the address in a browser, and see what it asks for")
            resumed = bool(start) and response.status == 206
            if response.status == 206 and not (resumed and _continues(response.headers, start, tag)):
                raise _Again(f"{address}: sent another part than asked for", stale=True)
            total = _total(response, start if resumed else 0)
            if not resumed:
                part.unlink(missing_ok=True)  # first, so that old bytes never stand beside a new note
                write(note, {"address": address, "etag": response.headers.get("ETag", "")})
            size = start if resumed else 0
            # disable=None: a bar on a terminal, nothing in a pipe
            with (
                part.open("ab" if resumed else "wb") as file,
                tqdm(total=total, initial=size, unit="B", unit_scale=True, desc=name, disable=None, leave=False) as bar,
            ):
                for chunk in _chunks(response, limit=LARGEST - size):
                    file.write(chunk)
                    size += len(chunk)
                    bar.update(len(chunk))
        if total is not None and size != total:
            raise _Again(f"{address}: cut off after {size:,} of {total:,} bytes")
        if total is None and not (known or response.chunked or _is_gzip(part)):
            raise refusal(
                _Useless, address, "a file whose length the server says", "one that may be cut, and could not be told from a whole one", "get it by hand"
            )
        return resumed

    @contextmanager
    def _open(self, address: str, headers: Mapping[str, str]) -> Iterator[http.client.HTTPResponse]:
        permitted(address, loopback=self.loopback)
        request = Request(address, headers={"User-Agent": "causal-prevention", "Accept-Encoding": "identity, gzip;q=0.5", **headers})
        try:
            response = cast("http.client.HTTPResponse", _opener(self.loopback).open(request, timeout=self.timeout))
        except HTTPError as answer:
            with answer:
                words = f"{address}: the server answered {answer.code} {answer.reason}"
                if answer.code in BUSY:
                    raise _Again(words, after=_retry_after(answer.headers)) from None
                if answer.code == 416:  # the file has become shorter than what is here
                    raise _Again(words, stale=True) from None
                raise refusal(DataError, address, "a file", f"the answer {answer.code} {answer.reason}", "look whether the address is still right") from None
        except (http.client.InvalidURL, ValueError) as problem:
            raise refusal(DataError, address, "an address", f"one that is none ({problem})", "look at how it is written") from None
        except (URLError, http.client.HTTPException, OSError) as problem:
            reason = getattr(problem, "reason", problem)
            if isinstance(reason, ssl.SSLCertVerificationError | socket.gaierror):  # waiting mends neither
                raise refusal(DataError, address, "a server that can be reached", f"none ({reason})", "look at the network, and at the address") from None
            raise _Again(f"{address}: no answer ({reason})") from None
        with response:
            encoding = response.headers.get("Content-Encoding", "identity").lower()
            if encoding not in ("", "identity", "gzip", "x-gzip"):
                raise refusal(DataError, address, "the file as it is, or gzip", f"{encoding!r}, which was not asked for", "get it by hand")
            yield response


def place(whole: Whole, target: Path) -> bool:
    """Give a whole file its name, unless something has that name; then nothing is written. Whether it was placed.

    NAME.part and its note go in either case.

    Parameters
    ----------
    whole : as `Web.download` brought it.
    target : its name.
    """
    try:
        os.link(whole.path, target)  # unlike a rename, this cannot replace a file, even one that appeared a moment ago
        placed = True
    except FileExistsError:
        placed = False
    except OSError:  # a folder that knows no links (FAT, some network drives)
        placed = not os.path.lexists(target)
        if placed:
            os.rename(whole.path, target)
    discard(target)
    return placed


def discard(target: Path) -> None:
    """Remove what was brought for `target`; never `target` itself."""
    part, note = _beside(target)
    for path in (_unpacked(target), part, note):  # the note last: a part without one is taken for somebody else's
        path.unlink(missing_ok=True)


def begun(address: str, target: Path) -> tuple[int, str]:
    """How many bytes a call can go on from, and the validator they came with; (0, "") if it must start.

    Parameters
    ----------
    address : from which the part came.
    target : the file's name in the end.
    """
    part, note = _beside(target)
    try:
        said = json.loads(note.read_text(encoding="utf-8"))
        tag = said["etag"] if said["address"] == address else ""
        size = part.stat().st_size
    except (OSError, ValueError, KeyError, TypeError):
        return 0, ""
    # a weak validator ("W/…") does not promise the same bytes
    return (size, tag) if size and isinstance(tag, str) and tag.startswith('"') else (0, "")


def is_loopback(address: str) -> bool:
    """Whether an address is on this computer itself."""
    try:
        host = urlsplit(address).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def permitted(address: str, *, loopback: bool) -> None:
    """Refuse an address unless it is https, or http to this computer where that is allowed.

    Parameters
    ----------
    address : with its scheme.
    loopback : whether http to this computer is allowed.

    Raises
    ------
    DataError : it is neither.
    """
    scheme = address.partition(":")[0].lower()
    if not (scheme == "https" or (scheme == "http" and loopback and is_loopback(address))):
        raise refusal(DataError, address, "an address that begins with https://", repr(scheme), "write its https address")


class _Redirects(HTTPRedirectHandler):
    """Follows a redirect only to where a first request may go."""

    def __init__(self, loopback: bool) -> None:
        self.loopback = loopback

    def redirect_request(self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str) -> Request | None:
        try:
            permitted(newurl, loopback=self.loopback)
        except DataError as problem:
            fp.close()
            raise placed(DataError, f"{req.full_url} sends on to another address", problem) from None
        return super().redirect_request(req, fp, code, msg, cast("http.client.HTTPMessage", headers), newurl)


def _opener(loopback: bool) -> OpenerDirector:
    # the computer's proxy is for the world outside, not for a server of its own
    return build_opener(_Redirects(loopback), *([ProxyHandler({})] if loopback else []))


def _chunks(response: http.client.HTTPResponse, *, limit: int) -> Iterator[bytes]:
    """The body as it comes; a cut raises `_Again` after what came before it was given out."""
    size = 0
    while True:
        try:
            chunk = response.read1(CHUNK)
        except (http.client.HTTPException, OSError) as problem:
            raise _Again(f"{response.url}: cut off ({str(problem) or type(problem).__name__})") from None
        if not chunk:
            return
        size += len(chunk)
        if size > limit:
            raise refusal(
                _Useless, response.url, f"at most {limit:,} bytes", "more than any file of these publications has", "look whether the address is still right"
            )
        yield chunk


def _beside(target: Path) -> tuple[Path, Path]:
    return target.with_name(f"{target.name}.part"), target.with_name(f"{target.name}.part.json")


def _unpacked(target: Path) -> Path:
    return target.with_name(f"{target.name}.part.whole")


def _continues(headers: Message, start: int, tag: str) -> bool:
    return headers.get("Content-Range", "").startswith(f"bytes {start}-") and headers.get("ETag", tag) == tag


def _total(response: http.client.HTTPResponse, start: int) -> int | None:
    length = response.headers.get("Content-Length", "")
    return start + int(length) if length.isdecimal() else None


def _retry_after(headers: Message) -> float | None:
    """Seconds that the server asks for, as a number or as a date."""
    said = headers.get("Retry-After", "").strip()
    if said.isdecimal():
        return float(said)
    try:
        moment = parsedate_to_datetime(said)
    except ValueError:
        return None
    return max(0.0, (moment.astimezone(UTC) - datetime.now(UTC)).total_seconds())


def _is_gzip(part: Path) -> bool:
    with part.open("rb") as file:
        return file.read(2) == GZIP


def _whole(part: Path, target: Path) -> Whole:
    """The file as published: unpacked if the server had packed it for the journey (gzip carries its own check)."""
    path = part
    if _is_gzip(part) and target.suffix != ".gz":
        path = _unpacked(target)
        try:
            with gzip.open(part) as packed, path.open("wb") as file:
                shutil.copyfileobj(cast("Any", _Bounded(packed)), file, CHUNK)
        except (EOFError, gzip.BadGzipFile, zlib.error) as problem:
            raise _Again(f"{target.name}: came packed and cannot be unpacked ({problem})", stale=True) from None
    return Whole(path=path, sha256=digest(path), size=path.stat().st_size)


class _Bounded:
    """Reads a packed file, but not for ever: a small one can unpack to any size."""

    def __init__(self, file: gzip.GzipFile) -> None:
        self.file = file

    def read(self, size: int) -> bytes:
        chunk = self.file.read(size)
        if self.file.tell() > LARGEST:
            raise refusal(
                _Useless, str(self.file.name), f"at most {LARGEST:,} bytes unpacked", "more than any file of these publications has", "get it by hand"
            )
        return chunk


def write(path: Path, content: Mapping[str, Any]) -> None:
    """JSON that is either the old or the new, never half.

    Parameters
    ----------
    path : written over if it is there.
    content : plain values.
    """
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
    os.replace(fresh, path)
