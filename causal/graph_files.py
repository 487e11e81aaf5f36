"""Graphs drawn elsewhere: DOT, GML and dagitty files, and our own YAML, read into what `Graph` is made of."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import networkx as nx

from causal.errors import GraphError


def read_graph(path: Path) -> dict[str, Any]:
    """The name, nodes and arrows in a file, chosen by its ending.

    Raises
    ------
    GraphError : the file is missing, of another kind, or cannot be read.
    """
    readers = {".yaml": _yaml, ".yml": _yaml, ".dot": _dot, ".gv": _dot, ".gml": _gml, ".dagitty": _dagitty, ".txt": _dagitty}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise GraphError(f"{path}: a graph file ends in one of {', '.join(readers)}, got {path.suffix or 'no ending'!r}")
    if not path.is_file():
        raise GraphError(f"{path}: there is no such graph file")
    try:
        found = reader(path.read_text(encoding="utf-8"), path.name)
    except GraphError:
        raise
    except Exception as problem:  # each format's library raises its own kinds
        raise GraphError(f"{path}: cannot be read as {path.suffix[1:]}: {problem}") from problem
    return {"name": path.stem, **found}


def _yaml(text: str, _: str) -> dict[str, Any]:
    import yaml

    loaded = yaml.safe_load(text)
    if not isinstance(loaded, dict) or "arrows" not in loaded or "nodes" not in loaded:
        raise GraphError("a graph in YAML has the keys nodes and arrows")
    return {key: loaded[key] for key in ("name", "nodes", "arrows") if key in loaded}


def _dot(text: str, file: str) -> dict[str, Any]:
    import pydot

    drawn = pydot.graph_from_dot_data(text)
    if not drawn:
        raise GraphError(f'{file}: is not DOT; it begins  digraph {{ cause -> effect [because="…"] }}')
    plain = {"node", "edge", "graph", "\\n", "\\r\\n"}
    nodes = {_bare(n.get_name()): {k: _bare(v) for k, v in n.get_attributes().items()} for n in drawn[0].get_nodes() if _bare(n.get_name()) not in plain}
    edges = [(_bare(e.get_source()), _bare(e.get_destination()), {k: _bare(v) for k, v in e.get_attributes().items()}) for e in drawn[0].get_edges()]
    return _assemble(nodes, edges, file)


def _gml(text: str, file: str) -> dict[str, Any]:
    drawn = nx.parse_gml(text, label="label")
    if not drawn.is_directed():
        raise GraphError(f"{file}: the graph is undirected; write  directed 1")
    return _assemble({str(n): dict(a) for n, a in drawn.nodes(data=True)}, [(str(a), str(b), dict(d)) for a, b, d in drawn.edges(data=True)], file)


def _dagitty(text: str, file: str) -> dict[str, Any]:
    body = re.search(r"dag\s*\"?[^{]*\{(.*)\}", text, flags=re.S)
    if not body:
        raise GraphError(f"{file}: is not dagitty; it begins  dag {{ cause -> effect }}")
    name = r"(\"[^\"]+\"|[\w.]+(?:\[-\d+\])?)"
    inside = re.sub(r"\bbb\s*=\s*\"[^\"]*\"", "", body[1])
    nodes: dict[str, dict[str, Any]] = {}
    edges: list[tuple[str, str, dict[str, Any]]] = []
    # chains (a -> b -> c) are read two at a time, so each middle node is looked at again
    for match in re.finditer(rf"(?={name}\s*(->|<-|<->)\s*{name}\s*(\[[^\]-][^\]]*\])?)", inside):
        left, mark, right = _bare(match[1]), match[2], _bare(match[3])
        about = {"because": reason[1]} if (reason := re.search(r"(?:because|label)\s*=\s*\"([^\"]+)\"", match[4] or "")) else {}
        if inside[: match.start()][-1:].isalnum() or inside[: match.start()][-1:] in '_."':
            continue  # the tail of a longer name
        if mark == "<->":
            about["both"] = True
        edges.append((right, left, about) if mark == "<-" else (left, right, about))
    for match in re.finditer(rf"(?m)^\s*{name}\s*(?:\[(?!-\d)([^\]]*)\])?\s*;?\s*$", inside):
        nodes[_bare(match[1])] = {"latent": bool(re.search(r"\b(latent|unobserved|u)\b", match[2] or ""))}
    return _assemble(nodes, edges, file)


def _assemble(nodes: dict[str, dict[str, Any]], edges: list[tuple[str, str, dict[str, Any]]], file: str) -> dict[str, Any]:
    """Nodes and arrows as mappings; a two-headed arrow gets an unmeasured parent of both its ends."""
    about: dict[str, dict[str, Any]] = {}
    arrows: dict[str, dict[str, list[dict[str, Any]]]] = {}

    def node(name: str, **extra: Any) -> str:
        bare = re.sub(r"\[-\d+\]$", "", name)
        given = nodes.get(name, {})
        latent = extra.get("latent", str(given.get("latent", given.get("unobserved", False))).lower() in ("true", "1", "yes"))
        about.setdefault(bare, {"label": str(given.get("label") or bare.replace("_", " ")), "measured": not latent})
        if given.get("varies"):
            about[bare]["varies"] = given["varies"]
        elif bare in ("authority", "year"):
            about[bare]["varies"] = bare
        return name

    def arrow(cause: str, effect: str, because: str, attributes: dict[str, Any]) -> None:
        reason: dict[str, Any] = {"because": because}
        if attributes.get("lag"):
            reason["lag"] = int(attributes["lag"])
        if str(attributes.get("by_year", "")).lower() in ("true", "1", "yes"):
            reason["by_year"] = True
        arrows.setdefault(cause, {}).setdefault(effect, []).append(reason)

    for name in nodes:
        node(name)
    for left, right, attributes in edges:
        because = str(attributes.get("because") or attributes.get("label") or f"as drawn in {file}")
        if attributes.get("both") or str(attributes.get("dir", "")) == "both":
            hidden = node(f"common_cause_of_{left}_and_{right}", latent=True)
            for end in (node(left), node(right)):
                arrow(hidden, end, because, {})
        else:
            arrow(node(left), node(right), because, attributes)
    return {"nodes": about, "arrows": arrows}


def _bare(name: Any) -> str:
    return str(name).strip().strip('"')
