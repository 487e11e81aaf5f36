"""No prose as protocol: a fact that two rooms need is a field, and no room takes another's sentences, part names or free-text keys apart.

Over the syntax tree of the library: whoever takes a text apart (by its beginning, its end, a separator or a pattern) stands in a list with a reason.
Sources and graph files read what others wrote, and the command line and its flags what a user typed; they are left out.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import causal

ROOT = Path(causal.__file__).parent
TAKES_APART = {"startswith", "endswith", "partition", "rpartition", "split", "rsplit", "removeprefix", "removesuffix"}
PATTERNS = {"match", "search", "fullmatch", "findall", "finditer", "sub", "subn", "split", "compile"}
READS_OTHERS = ("sources/", "graph_files.py", "cli.py", "table_flags.py", "descriptions.py")
# of these nothing may be read but by their fields, whatever the reason
FACTS = ("estimand", "strength_reasons", "numbers", "parts", "control_groups", "diagnostics", "concerns", "headline", "range_in_words", "cannot_say", "found")

# rooms that still ask for a key, each to go
TO_GO = {"verdict/decide.py": "the bias of a drift that pre_trend would have found: `blind_below`"}
# (file, function) → why; "to go" are those that a field is to replace, and may be gone already
ALLOWED: dict[tuple[str, str], str] = {
    ("decompositions/machinery/money.py", "price_of"): "to go: a unit in pounds should be a field of the variable",
    ("decompositions/machinery/money.py", "direction"): "to go: a unit in pounds should be a field of the variable",
    ("decompositions/variation.py", "_label"): "shortens a label for a narrow figure; decides nothing",
    ("rows.py", "complete"): "names of columns that the design has just made itself, in one table",
    ("estimand.py", ""): "what a code of an estimand may be made of",
    ("estimand.py", "Estimand.effect"): "to go: codes of the comparison that share a beginning",
    ("estimate.py", "answer"): "to go: an error that says it was made here should be a class of its own",
    ("estimators/fixed_effects.py", "_answer"): "a knob's value, wild_webb: which weights",
    ("estimators/machinery/dowhy_rows.py", "effect_of"): "DoWhy's own names of its methods",
    ("estimators/machinery/nuisance.py", "_Ridge.fit"): "splits rows into folds, no text",
    ("graph.py", ""): "a dated name as a user writes it; `Dated.read` is the one place",
    ("language.py", ""): "forms of a house style, as a user writes them, are searched for verbs of causes",
    ("language.py", "banned_word"): "forms of a house style, as a user writes them, are searched for words to be avoided",
    ("open_data.py", ""): "the DfE's rules on names and codes",
    ("open_data.py", "_periods"): "the DfE's rules on periods",
    ("study.py", "Study.__post_init__"): "how many words the user's own short name has",
    ("verdict/say.py", "_sides"): "the article of a comparative of its own making",
    ("verdict/say.py", "_slightly"): "the article of a comparative of its own making",
    ("report/controlled.py", "controlled"): "a name that must stand nowhere is struck out of every sentence, whatever it says",
    ("report/answers.py", "brief"): "the words of a line, cut where there are too many",
    ("report/breakdown.py", "view"): "to go: the first sentence of a caption, and words of a simulated world",
    ("report/compare.py", "_table"): "to go: names of columns",
    ("report/figures/canvas.py", "_events"): "a comma that nothing follows",
    ("report/figures/canvas.py", "_counted"): "a comma that nothing follows",
    ("report/figures/canvas.py", "dark_too"): "the drawing library's own output",
    ("report/figures/canvas.py", "svg_of"): "the drawing library's own output",
    ("report/figures/canvas.py", "_footed"): "the drawing library's own output",
    ("report/figures/canvas.py", "titled"): "the drawing library's own output",
    ("report/figures/curve.py", "choices"): "keys that `specification` writes as place.name",
    ("report/figures/curve.py", "curve"): "to go: rows of yes and no",
    ("report/figures/curves.py", "_with_unit"): "a comma that nothing follows",
    ("report/figures/curves.py", "_power"): "a comma that nothing follows",
    ("report/figures/graph_figure.py", "role_word"): "to go: a node's role and what else it is",
    ("report/figures/graph_figure.py", "_node"): "to go: a node's role and what else it is",
    ("design.py", "_without_collinear"): "to go: the design's own sentence on what it adjusts for, written again without what is dropped",
    ("arguments.py", "_near"): "words of the command line, as a user wrote them",
    ("workers.py", "Cluster._connected"): "a path that ends in .json is a scheduler file; the first line of what another library raised",
    ("workers.py", "_on"): "the reason at the end of what another library raised",
    ("kept.py", "keep"): "a file's name: what it is an entry of",
    ("configured.py", "made"): "a class's dotted name: module and class",
    ("declared.py", "_endless"): "the last part of a knob's place: a seed may be larger",
    ("declared.py", "_fault"): "the last part of a knob's place: a seed may be larger",
    ("report/record.py", "load"): "a message of the reader's own, told from those of the standard library",
    ("declared.py", "_serves"): "a method's name: whether it is a class's own affair",
    ("declared.py", "_several"): "the article of a type's name of its own making",
    ("loading.py", "load"): "words of the command line, as a user wrote them",
    ("arguments.py", "said_wrong"): "messages of the standard library's reader of command lines",
    ("offered.py", "header"): "the comment that opens a YAML file",
    ("testing/decompositions.py", "bears_its_own_name_and_says_what_it_asks"): "a name held to the contract: no code",
    ("testing/estimators.py", "turns_round_with_the_contrast"): "the first sentence of a refusal, repeated in another",
    ("testing/folder.py", "_beside"): "a user's own file: the comment beside a key",
    ("testing/folder.py", "check_yaml"): "a user's own file: its heading and a class's dotted name",
    ("testing/refuters.py", "speaks_in_words_and_finite_numbers"): "an outsider's words, held to the contract",
    ("aside.py", ""): "what a folder's own name says of whose it is",
    ("aside.py", "_host"): "letters of a machine's name that no folder may have",
    ("document.py", "_unreadable"): "one line of another library's message",
    ("drawn.py", ""): "a graph drawn elsewhere, in the language of its file",
    ("drawn.py", "_tokens"): "a graph drawn elsewhere, in the language of its file",
    ("drawn.py", "_is_nought"): "a graph drawn elsewhere, in the language of its file",
    ("errors.py", ""): "line breaks of a message, folded",
    ("errors.py", "of_another"): "the package that a class comes from",
    ("refuters/shared_shocks.py", "SharedShocks.refute"): "to go: the end of a sentence of its own making",
    ("shared.py", "widened"): "to go: the words of an error, without what is said again",
    ("report/first.py", ""): "words of a command, as a user typed them",
    ("report/first.py", "_replaced"): "words of a command, as a user typed them",
    ("report/first.py", "_with_placebos"): "words of a command, as a user typed them",
    ("report/figures/hero.py", "_narrow"): "a line's own label, which stands bold before its words",
    ("report/phrases.py", "_names"): "names of columns in a text, put by their labels for readers",
    ("report/phrases.py", "_labelled"): "names of columns in a text, put by their labels for readers",
    ("report/phrases.py", "slug"): "a file's name made from words",
    ("inference/discontinuity.py", "bandwidths"): "the first sentence of a refusal, repeated in another",
    ("inference/discontinuity.py", "density"): "the first sentence of a refusal, repeated in another",
    ("report/figures/course.py", "_drawn"): "the comma before a unit that is not there",
    ("report/parts.py", ""): "where a page's text is, and letters that are written from the right",
    ("report/phrases.py", ""): "names of code that stand in a sentence, put as readers know them",
    ("report/phrases.py", "sentence"): "whether a full stop is lacking",
    ("report/record.py", ""): "letters that XML cannot hold",
    ("report/record.py", "_type_parts"): "records of schemas 1 and 2, which have part names and no fields",
    ("report/record.py", "_type_steps"): "records of schemas 1 and 2, which have part names and no fields",
    ("report/record.py", "_since"): "records of schemas 1 and 2, which have part names and no fields",
    ("report/sections.py", "groups"): "a label without its bracket, for a narrow heading",
    ("report/sections.py", "steps"): "to go: the rung's plus sign",
    ("report/sections.py", "specifications"): "names of figures that this room itself gives",
    ("report/submission.py", "_text"): "runs of blanks made one",
    ("report/summary.py", "summary"): "empty lines",
    ("report/summary.py", "escaped"): "letters that Markdown takes for its own",
    ("report/tables.py", ""): "the form of an official code",
    ("report/tables.py", "cell"): "a cell that a spreadsheet would take for a formula; blanks",
    ("report/tables.py", "inert"): "a cell that a spreadsheet would take for a formula",
    ("report/workbook.py", "_safe"): "what the spreadsheet library takes for a link",
    ("verdict/decide.py", "_range"): "to go: the two ends of a range that was just written",
}


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Each call that takes a text apart, and the function it stands in ("" at the top)."""

    def inside(node: ast.AST, name: str) -> Iterator[tuple[str, ast.Call]]:
        for child in ast.iter_child_nodes(node):
            within = f"{name}.{child.name}".lstrip(".") if isinstance(child, ast.FunctionDef | ast.ClassDef) else name
            if isinstance(child, ast.Call) and isinstance(child.func, ast.Attribute):
                of = child.func.value
                module = of.id if isinstance(of, ast.Name) else ""
                if child.func.attr in (PATTERNS if module == "re" else TAKES_APART):
                    yield within, child
            yield from inside(child, within)

    yield from inside(ast.parse(path.read_text(encoding="utf-8")), "")


def library() -> list[tuple[str, str, ast.Call]]:
    files = {path.relative_to(ROOT).as_posix(): path for path in sorted(ROOT.rglob("*.py"))}
    return [(name, within, call) for name, path in files.items() if not name.startswith(READS_OTHERS) for within, call in calls(path)]


def test_whoever_takes_a_text_apart_says_why() -> None:
    found = {(file, within) for file, within, _ in library()}
    unsaid = sorted(found - set(ALLOWED))
    assert not unsaid, f"a fact that two rooms need is a field; a text is taken apart in {unsaid}"
    stale = sorted(where for where, why in ALLOWED.items() if where not in found and not why.startswith("to go"))
    assert not stale, f"take these off the list: {stale}"


def test_no_room_reads_facts_out_of_the_texts_that_tell_them() -> None:
    """What is taken apart is none of the nouns' texts or free-text keys; records of schemas 1 and 2 have nothing else."""
    read = []
    for file, within, call in library():
        assert isinstance(call.func, ast.Attribute)
        names = {getattr(node, "attr", getattr(node, "value", None)) for node in ast.walk(call) if isinstance(node, ast.Attribute | ast.Constant)}
        if names & set(FACTS) and "schemas 1 and 2" not in ALLOWED.get((file, within), ""):
            read.append((file, within, ast.unparse(call)))
    # the group's label, which is the modifier's own and no fact of the verdict
    assert {(file, within) for file, within, _ in read} <= {("report/sections.py", "groups")}, read


def test_no_room_looks_a_fact_up_by_a_free_text_key() -> None:
    """`numbers` of a check and `diagnostics` of an estimate are for print: outside their own shelves nobody asks them for a key."""
    asked = []
    for path in sorted(ROOT.rglob("*.py")):
        file = path.relative_to(ROOT).as_posix()
        if file.startswith(("refuters/", "estimators/", "sources/")) or file in ("verdict/reason.py", "verdict/say.py"):
            continue  # a reason's numbers are its own, and of known names
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            of, key = None, None
            if isinstance(node, ast.Subscript):
                of, key = node.value, node.slice
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args:
                of, key = node.func.value, node.args[0]
            name = getattr(of, "attr", getattr(getattr(of, "slice", None), "value", None))
            if name in ("numbers", "diagnostics") and isinstance(key, ast.Constant | ast.JoinedStr):
                asked.append((file, ast.unparse(node)))
    assert {file for file, _ in asked} <= set(TO_GO), asked


def test_the_search_finds_what_it_looks_for(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(
        'import re\ndef f(e):\n    return re.sub("a", "", e.estimand), e.estimand.split(", ")\nx = "a".upper()\n', encoding="utf-8"
    )
    assert [(within, ast.unparse(call.func)) for within, call in calls(tmp_path / "one.py")] == [("f", "re.sub"), ("f", "e.estimand.split")]
