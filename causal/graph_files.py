"""Graphs drawn elsewhere: DOT, GML and dagitty files, and our own YAML, read into what `Graph` is made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from causal.document import mapping, parse_yaml, read_text
from causal.drawn import Drawn, dagitty, dot, gml
from causal.errors import GraphError, refusal
from causal.knobs import is_whole

KEYS = ("name", "nodes", "arrows")  # of our own form
MOST_TEXT = 2_000_000  # bytes: a hundred letters for each of the arrows that a graph may have


def read_graph(path: Path) -> dict[str, Any]:
    """The name, nodes and arrows in a file, chosen by its ending.

    Raises
    ------
    GraphError : the file is missing, of another kind, or cannot be read.
    """
    drawn: dict[str, Callable[[str, str], Drawn]] = {".dot": dot, ".gv": dot, ".gml": gml, ".dagitty": dagitty, ".txt": dagitty}
    endings = (".yaml", ".yml", *drawn)
    ending = path.suffix.lower()
    if ending not in endings:
        raise refusal(GraphError, str(path), f"a graph file that ends in one of {', '.join(endings)}", repr(path.suffix or "no ending"), "name it so")
    text = read_text(path, "a graph file", kind=GraphError, most=MOST_TEXT)
    found = _assemble(drawn[ending](text, str(path)), path.name) if ending in drawn else _yaml(text, str(path))
    return {"name": path.stem, **found}


def _yaml(text: str, file: str) -> dict[str, Any]:
    loaded = mapping(parse_yaml(text, file, "a graph", kind=GraphError), file, "a graph", kind=GraphError)
    if "arrows" not in loaded or "nodes" not in loaded:
        raise refusal(GraphError, file, "a graph with the keys nodes and arrows", f"{', '.join(loaded) or 'no key'}", "write  nodes: {…}  and  arrows: {…}")
    if unknown := sorted(set(loaded) - {*KEYS, "_target_", "defaults"}):
        raise refusal(GraphError, file, f"of keys {', '.join(KEYS)}", ", ".join(unknown), "take it away, since nothing reads it")
    if loaded.get("defaults"):
        raise refusal(
            GraphError,
            file,
            "a graph that stands whole in its file",
            "defaults",
            "write its nodes and arrows out, or choose it with  graph=NAME  from a folder",
        )
    return {key: loaded[key] for key in KEYS if key in loaded}


def _assemble(drawn: Drawn, file: str) -> dict[str, Any]:
    """Nodes and arrows as mappings; a two-headed arrow gets an unmeasured parent of both its ends."""
    about: dict[str, dict[str, Any]] = {}
    arrows: dict[str, dict[str, dict[tuple[Any, ...], dict[str, Any]]]] = {}  # of one cause and effect each reason once, as far as it says other things

    def node(name: str) -> None:
        bare = re.sub(r"\[-\d+\]$", "", name)
        given = drawn.nodes.get(name, {})
        label = re.sub(r"\\[nlrN]", " ", str(given.get("label") or "")).strip() or bare.replace("_", " ")
        one = about.setdefault(bare, {"label": label, "measured": True})
        if _measured(given, file, bare) is False:
            one["measured"] = False
        if given.get("varies"):
            one["varies"] = given["varies"]
        elif bare in ("authority", "year"):
            one["varies"] = bare

    def arrow(cause: str, effect: str, reason: dict[str, Any]) -> None:
        arrows.setdefault(cause, {}).setdefault(effect, {}).setdefault(tuple(reason.items()), reason)

    for name in drawn.nodes:
        node(name)
    for left, right, attributes in drawn.arrows:
        because = str(attributes.get("because") or attributes.get("label") or f"as drawn in {file}")
        where = f"{file}, arrow {left} -> {right}"
        reason: dict[str, Any] = {"because": because}
        if attributes.get("lag"):
            reason["lag"] = _years(attributes["lag"], where)
        if _truth(attributes.get("by_year", "false"), f"{where}, by_year"):
            reason["by_year"] = True
        if attributes.get("both") or str(attributes.get("dir", "")) == "both":
            if len(reason) > 1:
                raise refusal(GraphError, where, "a two-headed arrow without lag or by_year", "one with them", "draw the common cause as a node of its own")
            hidden = _unused(f"common_cause_of_{left}_and_{right}", about)
            about[hidden] = {"label": hidden.replace("_", " "), "measured": False}
            for end in (left, right):
                arrow(hidden, end, {"because": because})
        else:
            arrow(left, right, reason)
    return {"nodes": about, "arrows": {cause: {effect: list(said.values()) for effect, said in effects.items()} for cause, effects in arrows.items()}}


def _unused(name: str, taken: Mapping[str, Any]) -> str:
    made, again = name, 1
    while made in taken:
        again += 1
        made = f"{name}_{again}"
    return made


def _measured(given: Mapping[str, Any], file: str, name: str) -> bool | None:
    """Whether a node is drawn as measured; None where nothing is said."""
    for key, hidden in (("latent", True), ("unobserved", True), ("measured", False)):
        if key in given:
            return _truth(given[key], f"{file}, node {name}, {key}") is not hidden
    return None


def _truth(value: Any, where: str) -> bool:
    written = str(value).strip().lower()
    if written in ("true", "1", "yes"):
        return True
    if written in ("false", "0", "no", ""):
        return False
    raise refusal(GraphError, where, "true or false", repr(value), "write one of these")


def _years(value: Any, where: str) -> int:
    written = str(value).strip()
    years = int(written) if re.fullmatch(r"[+-]?[0-9]{1,9}", written) else None
    if not is_whole(years, 0):
        raise refusal(GraphError, f"{where}, lag", "a whole number of years, 0 or more", repr(value), "write it as  lag=1")
    return years
