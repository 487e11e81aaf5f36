"""Graphs drawn elsewhere: DOT, GML and dagitty files, and our own YAML, read into what `Graph` is made of."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from causal.document import mapping, parse_yaml, read_text
from causal.drawn import DEEPEST, MOST_ARROWS, Drawn, clear, dagitty, dot, undirected
from causal.errors import GraphError, refusal
from causal.knobs import is_whole

HIDDEN = {"latent": True, "unobserved": True, "measured": False}  # what a node that nobody measured says
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
        if _truth(given.get("selected", ""), f"{file}, node {bare}, selected"):
            came = f"node {bare}, by which rows were selected"
            raise refusal(
                GraphError, file, "a graph of all rows", came, "take the mark away if rows were not: what selection opens is looked for by nobody here"
            )
        one |= {key: given[key] for key in ("lot", "remedy") if given.get(key)}
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
        if "lag" in attributes:
            reason["lag"] = _years(attributes["lag"], where)
        if "cutoff" in attributes:
            reason["cutoff"] = _number(attributes["cutoff"], f"{where}, cutoff")
        if _truth(attributes.get("by_year", "false"), f"{where}, by_year"):
            reason["by_year"] = True
        if attributes.get("both"):
            if len(reason) > 1:
                came = f"one with {' and '.join(key for key in reason if key != 'because')}"
                raise refusal(GraphError, where, "a two-headed arrow without lag, by_year or cutoff", came, "draw the common cause as a node of its own")
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
    said = {key: _truth(given[key], f"{file}, node {name}, {key}") is not hidden for key, hidden in HIDDEN.items() if key in given}
    if len(set(said.values())) > 1:
        raise refusal(GraphError, f"{file}, node {name}", "a node that is measured or is not", f"both, by {' and '.join(said)}", "take one of them away")
    return next(iter(said.values()), None)


def _truth(value: Any, where: str) -> bool:
    written = str(value).strip().lower()
    if written in ("true", "1", "yes"):
        return True
    if written in ("false", "0", "no", ""):
        return False
    raise refusal(GraphError, where, "true or false", repr(value), "write one of these")


def _number(value: Any, where: str) -> float:
    try:
        return float(str(value))
    except ValueError:
        raise refusal(GraphError, where, "a number", repr(value), "write it as  cutoff=50") from None


def _years(value: Any, where: str) -> int:
    written = str(value).strip()
    years = int(written) if re.fullmatch(r"[+-]?[0-9]{1,9}", written) else None
    if not is_whole(years, 0):
        raise refusal(GraphError, f"{where}, lag", "a whole number of years, 0 or more", repr(value), "write it as  lag=1")
    return years


# ---------------------------------------------------------------- GML (M. Himsolt 1997, GML: a portable graph file format)

GML = re.compile(
    r'(?P<skip>\s+|^\#[^\n]*)|(?P<text>"[^"]*")|(?P<open>\[)|(?P<close>\])|(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<key>\w+)', re.MULTILINE
)


def gml(text: str, file: str) -> Drawn:
    """A GML file.

    Parameters
    ----------
    text, file : as for `dot`.

    Raises
    ------
    GraphError : not one directed graph, a node without an id, an edge to a node that is not there or to a group, a key said twice, a head elsewhere
        than at the target, too many arrows.
    """
    whole = _gml_pairs(text, file)
    graphs = [value for key, value in whole if key == "graph" and isinstance(value, list)]
    if len(graphs) != 1:
        raise refusal(GraphError, file, "one graph in GML", f"{len(graphs) or 'none'}", 'it begins  graph [ directed 1 node [ id 0 label "cause" ] …')
    if {str(value) for key, value in graphs[0] if key == "directed"} != {"1"}:
        raise refusal(GraphError, file, "arrows from cause to effect", "an undirected graph", "write  directed 1  if each edge points from cause to effect")
    drawn, names, groups = Drawn(), dict[str, str](), set[str]()
    for key, value in graphs[0]:
        if key == "node" and isinstance(value, list):
            about = _once(value, "id", "label", where=file)
            if "id" not in about:
                raise refusal(GraphError, file, "an id for each node", f"a node without one, {about.get('label', '')!r}", "number the nodes")
            name = str(about.get("label", about["id"])).strip()
            if str(about["id"]) in names or name in drawn.nodes:
                raise refusal(GraphError, file, "each node once", f"{name!r} or its id {about['id']} a second time", "give each a label and an id of its own")
            names[str(about["id"])] = name
            if isinstance(about.get("graph"), list) or str(about.get("isGroup", 0)) == "1":
                groups.add(name)
            drawn.nodes[name] = {k: v for k, v in about.items() if k != "label" and not isinstance(v, list)}
    for key, value in graphs[0]:
        if key == "edge" and isinstance(value, list):
            about = _once(value, "source", "target", where=file)
            ends = [names.get(str(about.get(end))) for end in ("source", "target")]
            if None in ends:
                came = f"source {about.get('source')} and target {about.get('target')}"
                raise refusal(GraphError, file, "edges between nodes that are there", came, f"ids are {', '.join(list(names)[:20]) or 'none'}")
            if len(drawn.arrows) >= MOST_ARROWS:
                raise refusal(GraphError, file, f"a drawing of at most {MOST_ARROWS:,} arrows", "more", "leave out what does not bear on the question")
            where = f"{file}, edge from {about['source']} to {about['target']}"
            if group := next((name for name in map(str, ends) if name in groups), ""):
                raise refusal(GraphError, where, "an arrow between nodes", f"one that ends at a group, {group!r}", "draw one for each node of it")
            drawing = dict(about.get("graphics") or []) if isinstance(about.get("graphics"), list) else {}
            if str(drawing.get("arrow", "last")) != "last" or str(drawing.get("sourceArrow", "none")) != "none":
                undirected(
                    "its drawing has a head elsewhere than at the target",
                    where,
                    "give it none, for a head at the target; a common cause that nobody measured is a node of its own",
                )
            drawn.arrows.append((str(ends[0]), str(ends[1]), clear({k: v for k, v in about.items() if not isinstance(v, list)}, where)))
    return drawn


def _once(pairs: list[tuple[str, Any]], *keys: str, where: str) -> dict[str, Any]:
    """What a node or an edge says, of which it says these keys once."""
    said = [key for key, _ in pairs]
    if twice := next((key for key in keys if said.count(key) > 1), ""):
        raise refusal(GraphError, where, f"{twice} once in each node and edge", "it twice", "take one away")
    return dict(pairs)


def _gml_pairs(text: str, file: str) -> list[tuple[str, Any]]:
    stack: list[list[tuple[str, Any]]] = [[]]
    key, at, line = "", 0, 1

    def refuse(came: str, remedy: str) -> NoReturn:
        raise refusal(GraphError, f"{file}, line {line}", "GML: a key, then its value", came, remedy)

    opened: list[str] = []
    while at < len(text):
        match = GML.match(text, at)
        if match is None:
            refuse(repr(text[at : at + 20]), "put text in double quotes")
        kind, piece = match.lastgroup, match[0]
        if kind == "key" and not key:
            key = piece
        elif kind == "open" and key:
            if len(stack) > DEEPEST:
                refuse(f"more than {DEEPEST} levels of brackets", "write it flatter")
            opened.append(key)
            stack.append([])
            key = ""
        elif kind == "close" and not key and opened:
            inside = stack.pop()
            stack[-1].append((opened.pop(), inside))
        elif kind in ("text", "number") and key:
            stack[-1].append((key, html.unescape(piece[1:-1]) if kind == "text" else piece))
            key = ""
        elif kind != "skip":
            refuse(f"{piece[:40]!r} after {key or 'a value'!r}", "look at brackets and quotes")
        line += piece.count("\n")
        at += len(piece)
    if opened or key:
        refuse("the end of the text", "close each  [  with a  ]")
    return stack[0]
