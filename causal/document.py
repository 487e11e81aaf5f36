"""A text that somebody hands in, graph, configuration, protocol or record: read whole, or refused in words of ours.

A named pipe or a device is never opened, since it may never end; nothing is read past a stated size; and YAML is looked at before it is built, since
a few lines of anchors can stand for more than a machine holds.
"""

from __future__ import annotations

import glob
import math
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from causal.aside import mine, sweep
from causal.errors import CausalError, ConfigError, refusal

MOST_BYTES = 20_000_000  # of a text
MOST_YAML = 2_000_000  # of YAML, which is slow to read
DEEPEST = 60  # levels of brackets or indentation in YAML
MOST_ALIASED = 100_000  # values that the aliases of a YAML may stand for in all


def read_text(path: Path, what: str, *, kind: type[CausalError] = ConfigError, most: int = MOST_BYTES) -> str:
    """A file's text, UTF-8 with or without a mark at its beginning.

    Parameters
    ----------
    path : of a regular file.
    what : it is to be, for messages ("a graph file").
    kind : of error.
    most : bytes that are read.

    Raises
    ------
    CausalError : of that kind; there is no such file, it is no regular file, it cannot be opened, is too large or is not UTF-8.
    """
    with system_said(path, what, kind=kind):
        regular(path, what, kind=kind, most=most)
        data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise refusal(
            kind, str(path), f"{what} in UTF-8", f"a byte that is none at place {problem.start + 1:,}", "save it again with the encoding UTF-8"
        ) from problem


def regular(path: Path, what: str, *, kind: type[CausalError] = ConfigError, most: float = math.inf) -> None:
    """Refuse what is no file that ends, before it is opened.

    Parameters
    ----------
    path : that is given.
    what : it is to be, for messages ("a graph file").
    kind : of error.
    most : bytes that it may have.

    Raises
    ------
    CausalError : of that kind; it is no regular file, or too large.
    OSError : there is no such file, or it cannot be looked at.
    """
    state = path.stat()
    if not stat.S_ISREG(state.st_mode):
        raise refusal(kind, str(path), what, _no_file(state.st_mode), "copy what it holds into a file and name that")
    if state.st_size > most:
        raise refusal(kind, str(path), f"{what} of at most {most / 1e6:g} MB", f"{state.st_size / 1e6:,.1f} MB", "take out what is not needed")


@contextmanager
def system_said(path: Path, what: str, *, kind: type[CausalError] = ConfigError) -> Iterator[None]:
    """Turn what the system says of a file that is read into a refusal.

    Parameters
    ----------
    path : the file, as the message names it.
    what : what was wanted there, as words.
    kind : the error that is raised.

    Raises
    ------
    CausalError : of that kind; the file is not there, or cannot be read.
    """
    try:
        yield
    except FileNotFoundError as problem:
        raise refusal(kind, str(path), what, "nothing: there is no such file", "look at how the path is written") from problem
    except (OSError, ValueError) as problem:
        raise refusal(kind, str(path), what, why(problem), "name a file that can be read") from problem


def why(problem: BaseException) -> str:
    """What the system said of a file or folder, without its numbers and quotes."""
    if isinstance(problem, OSError) and problem.strerror:
        return f"the system's answer: {problem.strerror.lower()}"
    return "a path that the system does not take"


def _no_file(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a named pipe, which may never end" if stat.S_ISFIFO(mode) else "a device or socket, which may never end"


def read_yaml(path: Path, what: str, *, kind: type[CausalError] = ConfigError) -> Any:
    """A YAML file as plain values; errors as `read_text`, and where it is not YAML, or stands for too much.

    Parameters
    ----------
    path : the file.
    what : what was wanted there, as words for a message.
    kind : the error that is raised.
    """
    return parse_yaml(read_text(path, what, kind=kind, most=MOST_YAML), str(path), what, kind=kind)


def parse_yaml(text: str, where: str, what: str, *, kind: type[CausalError] = ConfigError) -> Any:
    """YAML as plain values.

    Parameters
    ----------
    text : of the document.
    where : it stands, for messages.
    what : it is to be.
    kind : of error.

    Raises
    ------
    CausalError : of that kind; not YAML, nested too deeply, an anchor that holds itself, or aliases that stand for too much.
    """
    measure_yaml(text, where, what, kind=kind)
    with _in_our_words(where, what, kind):
        return yaml.load(text, Loader=_EachOnce)


SAFE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast where libyaml is there


class _EachOnce(SAFE):  # type: ignore[misc]
    """YAML's safe loader, which refuses a key that stands twice in one mapping: the first would be lost without a word."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode) and (key.tag, key.value) in seen:
                raise yaml.constructor.ConstructorError(None, None, f"twice {key.value}", key.start_mark)
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                seen.add((key.tag, key.value))
        return super().construct_mapping(node, deep)


def measure_yaml(text: str, where: str, what: str, *, kind: type[CausalError] = ConfigError) -> None:
    """Refuse a YAML that is none, is nested too deeply or stands for too much, before anything is built of it; parameters and errors as `parse_yaml`."""
    with _in_our_words(where, what, kind):
        open_nodes: list[tuple[str | None, int]] = []
        sizes: dict[str, int] = {}
        size = 0
        for event in yaml.parse(text, Loader=SAFE):
            if isinstance(event, yaml.CollectionStartEvent):
                if len(open_nodes) >= DEEPEST:
                    raise refusal(kind, _at(where, event), f"{what} of at most {DEEPEST} levels", "more than these inside one another", "write it flatter")
                open_nodes.append((event.anchor, size))
                size += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                anchor, before = open_nodes.pop()
                if anchor is not None:
                    sizes[anchor] = size - before
            elif isinstance(event, yaml.AliasEvent):
                if any(anchor == event.anchor for anchor, _ in open_nodes):
                    raise refusal(kind, _at(where, event), what, f"an anchor that holds itself, &{event.anchor}", "write out what is meant")
                size += sizes.get(str(event.anchor), 1)
            elif isinstance(event, yaml.ScalarEvent):
                size += 1
            if size > MOST_ALIASED:
                raise refusal(kind, _at(where, event), f"{what} of at most {MOST_ALIASED:,} values", "more", "write fewer, or fewer aliases")


def mapping(value: Any, where: str, what: str, *, kind: type[CausalError] = ConfigError) -> dict[str, Any]:
    """The value, which must be a mapping whose keys are text.

    Parameters
    ----------
    value : as read from YAML or JSON.
    where : it stands.
    what : it is to be.
    kind : of error.

    Raises
    ------
    CausalError : of that kind.
    """
    if not isinstance(value, dict):
        raise refusal(kind, where, f"{what}: keys and their values", called(value), "begin each line with a key and a colon")
    text_keys(value, where, kind=kind)
    return value


def text_keys(value: Any, where: str, *, kind: type[CausalError] = ConfigError) -> None:
    """Refuse a key that is no text, at any depth; parameters and errors as `mapping`."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if isinstance(value, dict) and not isinstance(key, str):
            raise refusal(
                kind,
                where,
                "keys that are text",
                f"{key!r}",
                'YAML reads no, off and n as false, yes, on and y as true, and ~ as nothing: write "no" in quotes',
            )
        text_keys(inner, where, kind=kind)


def called(value: Any) -> str:
    """What a value is, in the words of people who write YAML."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list | tuple):
        return "a list"
    shown = repr(value)
    return f"the text {shown[:60]}{'…' * (len(shown) > 60)}" if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else shown[:60]


def _at(where: str, event: yaml.Event) -> str:
    mark = event.start_mark
    return f"{where}, line {mark.line + 1}" if mark is not None else where


@contextmanager
def _in_our_words(where: str, what: str, kind: type[CausalError]) -> Iterator[None]:
    try:
        yield
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        spot = f"{where}, line {mark.line + 1}" if mark is not None else where
        raise refusal(kind, spot, f"{what} in YAML", _unreadable(problem), "look at brackets, quotes, colons and blanks there") from problem
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as problem:
        raise refusal(
            kind, where, f"{what} in YAML", "something that YAML does not allow", "look at dates, numbers and letters that cannot be printed"
        ) from problem


def _unreadable(problem: yaml.MarkedYAMLError) -> str:
    text = f"{problem.context or ''} {problem.problem or ''}"
    if text.startswith(" twice "):
        return f"the key {text[7:67]!r} a second time"
    for word, ours in (
        ("undefined alias", "an alias (*name) whose anchor (&name) does not stand before it"),
        ("tab", "a tab, where YAML wants blanks"),
        ("\\t", "a tab, where YAML wants blanks"),
        ("constructor", "a tag (!name) that is not read here"),
        ("unhashable", "a key that is a list or a mapping"),
        ("duplicate", "an anchor that stands twice"),
        ("more documents", "more than one document (---)"),
        ("single document", "more than one document (---)"),
        ("quoted scalar", "a quote that is not closed"),
        ("flow", "a bracket that is not closed, or closed by another"),
        ("mapping values are not allowed", "a second colon in one line; put the text in quotes"),
    ):
        if word in text:
            return ours
    return "something that is none"


@contextmanager
def writing(path: Path, where: str, remedy: str, *, over: bool = True) -> Iterator[Path]:
    """A file of another name beside `path` to write into, which becomes `path` when all has gone well and goes when not.

    Parameters
    ----------
    path : of the file to be.
    where : it is asked for, for the message ("--save plan.yaml").
    remedy : what to try where it cannot be written.
    over : whether a file that is there already may be written over.

    Raises
    ------
    ConfigError : it cannot be written, or the disk is full; it is there already.
    """
    if not path.name:
        raise refusal(ConfigError, where, "the name of a file", f"{str(path)!r}, a folder", remedy)
    stem = f".{path.name[:80]}-"
    part = path.with_name(f"{stem}{mine()}.part")
    try:
        if path.is_dir() or not (over or not os.path.lexists(path)):
            raise FileExistsError
        sweep(path.parent, f"{glob.escape(stem)}*.part")
        yield part
        if over:
            part.replace(path)
        else:
            try:
                os.link(part, path)  # unlike a rename, this cannot replace a file, even one that appeared a moment ago
            except FileExistsError:
                raise
            except OSError:  # a folder that knows no links
                if os.path.lexists(path):
                    raise FileExistsError from None
                part.rename(path)
    except FileExistsError as problem:
        came = "a folder of that name" if path.is_dir() else "one that is there already, and is never written over"
        raise refusal(ConfigError, where, "the name of a new file", came, "name another file") from problem
    except OSError as problem:
        raise refusal(ConfigError, where, "a place to write to", why(problem), remedy) from problem
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
