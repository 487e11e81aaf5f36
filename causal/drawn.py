"""DOT and dagitty taken apart, by one tokenizer, since dagitty's language is a dialect of DOT.

Read is what the format says: nested subgraphs, ends in braces (`a -> {b c}`) and lists (`a, b -> c`), defaults of nodes and edges, chains, ports,
comments. Refused is what draws no arrow or an unclear one: an undirected edge, an edge without a head, drawn backwards or not at all (E. R. Gansner,
E. Koutsofios and S. North, The DOT language; J. Textor and others 2016, Robust causal inference using directed acyclic graphs: the R package 'dagitty').
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

from causal.errors import GraphError, refusal

DEEPEST = 50  # levels of braces or brackets
MOST_PIECES = 400_000  # names and signs in one drawing: some twenty for each arrow
MOST_ARROWS = 20_000  # in one drawing, counted after braces are written out
TOKEN = re.compile(
    r"""(?P<skip>[\s\ufeff]+|//[^\n]*|/\*.*?\*/|^\#[^\n]*)
    |(?P<quoted>"(?:[^"\\]++|\\.)*+")
    |(?P<edge><->|->|<-o(?=[ \t]+[\w\"{])|<-|--|[@o<]-[@o>]|[@o]->|<-[@o]|[@o]--|--[@o])
    |(?P<name>[\w.]+(?:\[[+-]\d+\])?|(?<![\w".\]])-(?:\d+\.?\d*|\.\d+))
    |(?P<sign>[{}\[\];,=:+])""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
ARROWS = "write  digraph  and  ->,  or for a common cause that nobody measured  "
ANGLE = re.compile("[<>]")
UNCLEAR = {"dot", "odot", "inv", "oinv", "invdot", "invodot"}  # heads that are circles, or point the other way
# what dagitty writes beside a node without a value
FLAGS = {"exposure", "outcome", "adjusted", "latent", "unobserved", "selected", "source", "target", "e", "o", "a", "u"}


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text: its kind, what it says and the line it stands in."""

    kind: str
    text: str
    line: int


@dataclass(slots=True)
class Drawn:
    """What is drawn: nodes with their attributes, and arrows (cause, effect, attributes) in their order; a two-headed one has the attribute `both`."""

    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    arrows: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)


def dot(text: str, file: str) -> Drawn:
    """A DOT file; `file` names it in messages.

    Parameters
    ----------
    text : the file's content.
    file : its name, for messages.

    Raises
    ------
    GraphError : not DOT, undirected, or an edge that draws no clear arrow.
    """
    return _Reader(text, file, dialect="DOT").whole()


def dagitty(text: str, file: str) -> Drawn:
    """A dagitty file.

    Parameters
    ----------
    text, file : as for `dot`.

    Raises
    ------
    GraphError : as of `dot`.
    """
    return _Reader(text, file, dialect="dagitty").whole()


def _tokens(text: str, file: str, dialect: str) -> Iterator[Token]:
    at, line, pieces, edges = 0, 1, 0, 0
    last = Token("", "", 0)
    while at < len(text):
        match = TOKEN.match(text, at)
        pieces += match is None or match.lastgroup != "skip"
        edges += match is not None and match.lastgroup == "edge"
        if edges > MOST_ARROWS or pieces > MOST_PIECES:  # before any of it is put together
            most = f"{MOST_ARROWS:,} arrows" if edges > MOST_ARROWS else f"{MOST_PIECES:,} names and signs"
            raise refusal(GraphError, f"{file}, line {line}", f"a drawing of at most {most}", "more", "leave out what does not bear on the question")
        kind = str(match.lastgroup) if match else ""
        piece = match[0] if match else _marked_up(text, at)
        if kind == "edge" and piece[0] == "o" and not (last.line == line and (last.kind in ("name", "bare") or last.text in ("]", "}"))):
            kind, piece = "name", "o"  # o->b  where a statement begins: a node of that name, and no circle at the end of an edge
        if not piece:
            raise refusal(
                GraphError, f"{file}, line {line}", f"a graph in {dialect}", f"{text[at : at + 20]!r}", "put names with such letters in double quotes"
            )
        if kind == "quoted":
            last = Token("name", re.sub(r"\\\n", "", piece[1:-1]).replace('\\"', '"'), line)
        elif not kind:
            last = Token("name", re.sub(r"<[^>]*>", " ", piece[1:-1]).strip(), line)
        elif kind != "skip":
            last = Token("bare" if kind == "name" else kind, piece, line)
        if kind != "skip":
            yield last
        line += piece.count("\n")
        at += len(piece)


def _marked_up(text: str, at: int) -> str:
    """A name or label in <angle brackets>, which may hold others."""
    if text[at] != "<":
        return ""
    depth = 0
    for match in ANGLE.finditer(text, at):
        depth += 1 if match[0] == "<" else -1
        if depth == 0:
            return text[at : match.end()]
    return ""


class _Reader:
    """One pass over the tokens, by the grammar."""

    def __init__(self, text: str, file: str, *, dialect: str) -> None:
        self.file, self.dialect = file, dialect
        self.tokens = list(_tokens(text, file, dialect))
        self.at = 0
        self.drawn = Drawn()
        self.written = 0  # names that groups stood for
        self.place: tuple[str, ...] = ()  # names of the subgraphs that stand around
        self.groups: dict[tuple[str, ...], list[str]] = {}

    def whole(self) -> Drawn:
        """The graph, and nothing after it."""
        header = self._word().lower()
        if header == "strict" and self.dialect == "DOT":
            self.at += 1
            header = self._word().lower()
        begin = 'digraph { cause -> effect [because="…"] }' if self.dialect == "DOT" else "dag { cause -> effect }"
        if self.dialect == "DOT" and header == "graph":
            self._undirected("it begins with  graph")
        if header not in (("digraph",) if self.dialect == "DOT" else ("dag", "digraph")):
            self._refuse(f"a graph in {self.dialect}", f"{self._shown()} at its beginning", f"it begins  {begin}")
        self.at += 1
        if self._peek().kind in ("name", "bare"):
            self.at += 1
        if self._peek().text != "{" or self._peek().kind != "sign":
            self._refuse(f"a graph in {self.dialect}", self._shown(), f"it begins  {begin}")
        self._body({}, {}, 1)
        if self._peek().kind:
            self._refuse("one graph, which ends with its  }", f"{self._shown()} after it", "put each graph into a file of its own")
        return self.drawn

    # ------------------------------------------------------------ the grammar

    def _body(self, node_defaults: dict[str, Any], edge_defaults: dict[str, Any], depth: int) -> list[str]:
        """Statements in braces; the nodes that stand in them."""
        if depth > DEEPEST:
            self._refuse(f"at most {DEEPEST} levels of braces", "more inside one another", "write it flatter")
        nodes, edges, inside = dict(node_defaults), dict(edge_defaults), dict[str, None]()
        opened = self._peek().line
        self.at += 1
        while not self._sign("}"):
            token = self._peek()
            if not token.kind:
                self._refuse("a } for each {", f"the end of the text; one was opened in line {opened}", "close it")
            if self._sign(";") or self._sign(","):
                self.at += 1
            elif token.kind == "bare" and token.text.lower() in ("node", "edge", "graph") and self._is_sign(self.at + 1, "["):
                self.at += 1
                given = self._attributes()
                {"node": nodes, "edge": edges}.get(token.text.lower(), {}).update(given)
            elif token.kind in ("name", "bare") and self._is_sign(self.at + 1, "=") and not self._sign("{"):
                self.at += 2
                self._value()
            else:
                inside |= dict.fromkeys(self._chain(nodes, edges, depth))
        self.at += 1
        return list(inside)

    def _chain(self, nodes: dict[str, Any], edges: dict[str, Any], depth: int) -> list[str]:
        """A node, a group, or a chain of these with edges between."""
        line, single = self._peek().line, self._peek().kind in ("name", "bare")
        ends, marks = [self._list(nodes, edges, depth)], []
        while self._peek().kind == "edge":
            marks.append(self._peek().text)
            if marks[-1] not in (("->",) if self.dialect == "DOT" else ("->", "<-", "<->")):
                self._undirected(f"{ends[-1][0] if ends[-1] else '{}'} {marks[-1]} …", self._peek().line)
            self.at += 1
            ends.append(self._list(nodes, edges, depth))
        given: dict[str, Any] = {}
        while self._sign("["):
            given |= self._attributes()
        if not marks:
            if single:
                for name in ends[0]:
                    self.drawn.nodes[name] |= given
            elif given:
                self._refuse("attributes of a node or an edge", "some behind a  }", "write them for each")
            return ends[0]
        about = clear({**edges, **given}, f"{self.file}, line {line}")
        for left, mark, right in zip(ends, marks, ends[1:], strict=False):
            if not left or not right:
                self._refuse("an arrow between nodes", "an empty pair of braces at its end", "name the nodes", line)
            if len(self.drawn.arrows) + len(left) * len(right) > MOST_ARROWS:
                self._refuse(f"a drawing of at most {MOST_ARROWS:,} arrows", "more", "leave out what does not bear on the question", line)
            for a in left:
                for b in right:
                    tail, head = (b, a) if mark == "<-" else (a, b)
                    self.drawn.arrows.append((tail, head, {**about, **({"both": True} if mark == "<->" else {})}))
        return list(dict.fromkeys(name for end in ends for name in end))

    def _list(self, nodes: dict[str, Any], edges: dict[str, Any], depth: int) -> list[str]:
        """One end of an edge, or a statement of nodes: `a`, `{a b}` or, in DOT, `a, b`."""
        behind = self.at > 0 and self.tokens[self.at - 1].kind == "edge"
        names, several, braces = self._end(nodes, edges, depth), False, self.tokens[self.at - 1].text == "}"
        while self._sign(",") and self.at + 1 < len(self.tokens) and self.tokens[self.at + 1].kind in ("name", "bare") and not self._is_sign(self.at + 2, "="):
            if braces:
                self._refuse("names with commas between them", "a } before the comma", "put all of them into one pair of braces")
            self.at += 1
            several = True
            names.extend(self._end(nodes, edges, depth))
        if several and self.dialect == "dagitty" and (behind or self._peek().kind == "edge"):
            self._refuse("braces around several ends of an arrow", "commas between them", "write  a -> {b c}")
        return list(dict.fromkeys(names))

    def _end(self, nodes: dict[str, Any], edges: dict[str, Any], depth: int) -> list[str]:
        """One end of an edge: a node, or all nodes of a group in braces."""
        token = self._peek()
        name = ""
        if token.kind == "bare" and token.text.lower() == "subgraph" and self.dialect == "DOT":
            self.at += 1
            if self._peek().kind in ("name", "bare"):
                name = self._peek().text
                self.at += 1
            if not self._sign("{"):
                if (*self.place, name) not in self.groups:
                    self._refuse("a subgraph in braces", self._shown(), "write  subgraph name { … }")
                return self._written_out(self.groups[*self.place, name])
        if self._sign("{"):
            around = self.place
            self.place = (*around, name or f" {self.at}")  # a name holds within its own subgraph
            inside = self._body(nodes, edges, depth + 1)
            here, self.place = self.place, around
            self.groups[here] = list(dict.fromkeys([*self.groups.get(here, []), *inside]))
            return self._written_out(self.groups[here])
        if token.kind not in ("name", "bare") or (token.kind == "bare" and token.text.lower() in ("node", "edge", "graph", "subgraph", "digraph", "strict")):
            self._refuse("the name of a node", self._shown(), "put a name that is one of the language's own words in double quotes")
        self.at += 1
        written = token.text
        while self._sign("+") and token.kind == "name":
            self.at += 1
            written += self._value()
        for _ in range(2):  # a port, and where on it the arrow ends
            if self._sign(":"):
                self.at += 1
                self._value()
        if not written.strip():
            self._refuse("the name of a node", "an empty name", "give it one", token.line)
        self.drawn.nodes.setdefault(written.strip(), dict(nodes))
        return [written.strip()]

    def _written_out(self, group: list[str]) -> list[str]:
        """The names of a group, in as many places as it stands, as far as that takes no time."""
        self.written += len(group)
        if self.written > MOST_PIECES:
            self._refuse(f"at most {MOST_PIECES:,} names after groups are written out", "more", "leave out what does not bear on the question")
        return list(group)

    def _attributes(self) -> dict[str, Any]:
        """`[key=value, flag]`."""
        opened = self._peek().line
        self.at += 1
        given: dict[str, Any] = {}
        while not self._sign("]"):
            token = self._peek()
            if not token.kind or self._sign("{") or self._sign("["):
                self._refuse("a ] for each [", f"{self._shown()}; one was opened in line {opened}", "close it")
            if self._sign(",") or self._sign(";"):
                self.at += 1
                continue
            key = self._value()
            if self._sign("="):
                self.at += 1
                given[key] = self._value()
            elif self.dialect == "dagitty" and key.lower() in FLAGS:
                given["latent" if key.lower() == "u" else key.lower()] = "true"
            else:
                known = f", or one of {', '.join(sorted(FLAGS))}" if self.dialect == "dagitty" else ""
                self._refuse(f"key=value in brackets{known}", repr(key), "an earlier year is written  plans[-1], and any other name with brackets is refused")
        self.at += 1
        return given

    # ------------------------------------------------------------ pieces

    def _peek(self) -> Token:
        return self.tokens[self.at] if self.at < len(self.tokens) else Token("", "", self.tokens[-1].line if self.tokens else 1)

    def _is_sign(self, at: int, sign: str) -> bool:
        return at < len(self.tokens) and self.tokens[at].kind == "sign" and self.tokens[at].text == sign

    def _sign(self, sign: str) -> bool:
        return self._is_sign(self.at, sign)

    def _word(self) -> str:
        return self._peek().text if self._peek().kind == "bare" else ""

    def _value(self) -> str:
        token = self._peek()
        if token.kind not in ("name", "bare"):
            self._refuse("a name, a number or a text in double quotes", self._shown(), "look at the signs before it")
        self.at += 1
        text = token.text
        while token.kind == "name" and self._sign("+") and self.at + 1 < len(self.tokens) and self.tokens[self.at + 1].kind == "name":
            text += self.tokens[self.at + 1].text
            self.at += 2
        return text

    def _shown(self) -> str:
        token = self._peek()
        return f"{token.text[:40]!r}" if token.kind else "the end of the text"

    def _refuse(self, wanted: str, came: str, remedy: str, line: int | None = None) -> NoReturn:
        raise refusal(GraphError, f"{self.file}, line {line or self._peek().line}", wanted, came, remedy)

    def _undirected(self, came: str, line: int | None = None) -> NoReturn:
        undirected(came, f"{self.file}, line {line or self._peek().line}", ARROWS + ("a <-> b" if self.dialect == "dagitty" else "a -> b [dir=both]"))


def clear(about: dict[str, Any], where: str) -> dict[str, Any]:
    """The attributes of an edge that draws a clear arrow; a two-headed one gets the attribute `both`.

    Parameters
    ----------
    about : as they stand in the file.
    where : the file and the line, for messages.

    Raises
    ------
    GraphError : drawn backwards, without a head, with one that says something else, towards a whole cluster, or not at all.
    """
    said = {key: str(about.get(key, "")).strip().lower() for key in ("dir", "arrowhead", "arrowtail", "style", "color", "penwidth", "lhead", "ltail")}
    way = said["dir"] if "dir" in about else "forward"
    if way == "both" and said["arrowtail"] == "none":
        way = "forward"
    if way == "back":
        raise refusal(GraphError, where, "an arrow from cause to effect", "one that is drawn backwards (dir=back)", "write  effect's cause -> effect")
    if way not in ("forward", "both") or said["arrowhead"] == "none":
        undirected("an edge without a head", where, ARROWS + "a -> b [dir=both]")
    for key in ("arrowhead", *(["arrowtail"] if way == "both" else [])):
        if said[key] in UNCLEAR:
            raise refusal(GraphError, where, "an arrow with a head that points", f"{key}={said[key]}", "take it out, or write what it stands for as arrows")
    for key in ("lhead", "ltail"):
        if said[key]:
            raise refusal(GraphError, where, "an arrow between nodes", f"one that ends at a whole cluster ({key})", "write  a -> {b c}")
    for key, hidden in (("style", "invis" in said["style"]), ("color", said["color"] == "transparent"), ("penwidth", _is_nought(said["penwidth"]))):
        if hidden:
            remedy = "take it out: a graph of causes has no arrows for layout"
            raise refusal(GraphError, where, "an arrow that is drawn", f"one that is invisible ({key}={said[key]})", remedy)
    return {key: value for key, value in about.items() if key != "dir"} | ({"both": True} if way == "both" else {})


def undirected(came: str, where: str, remedy: str) -> NoReturn:
    """The refusal of an edge that says not which way it points.

    Parameters
    ----------
    came : the edge.
    where : the file and the line.
    remedy : how the language writes an arrow, and a common cause that nobody measured.
    """
    raise refusal(GraphError, where, "arrows from cause to effect", f"an undirected edge ({came})", remedy)


def _is_nought(written: str) -> bool:
    return bool(re.fullmatch(r"[+-]?(?:0+\.?0*|\.0+)", written))
