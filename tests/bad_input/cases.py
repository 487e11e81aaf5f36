"""What cannot be used, generated: every command, every part of a study and each of its knobs, tables, graphs, protocols, study files and runs.

A case is the words of a call, the files that it finds, and what its one message must hold. Nothing here is taken from what the toolkit says: the words are
those that a person needs, the name of what is wrong and what stood there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args, get_type_hints

import yaml

import causal.conf
from causal.experiments.resolve import class_at as resolve

CONF = Path(causal.conf.__path__[0])
TARGET = "_target_"
LIGHT = ("refuters=[]", "workers=1")  # few files to compose, and no processes
TINY = (*LIGHT, "source.authorities=12", "source.years=6", "question.lag=1")
HEAD = "# @package _global_\n"
CLEAN = "authority,year,cut,poverty,plans\n" + "".join(
    f"A{place:02d},{year},{(place * 7 + year * 3) % 10 / 10},{(place * 5 + year) % 7},{40 + (place * 3 + year * 5) % 11}\n"
    for place in range(12)
    for year in range(2010, 2016)
)
GRAPH = """_target_: causal.graph.Graph
name: ours
nodes: {authority: {varies: authority}, year: {varies: year}, poverty: {}, cut: {}, plans: {}}
arrows:
  authority: {cut: councils differ, plans: thresholds differ}
  year: {cut: national settlements, plans: national guidance}
  poverty: {cut: money follows need, plans: poverty strains families}
  cut: {plans: the question}
"""
EXPERIMENT = (
    HEAD
    + """defaults: [override /graph: ours, override /source: table]
title: Ours
action: Halving it
question: {treatment: cut, outcome: plans, control: 0.0, treated: 0.5, smallest_important: 1.0, because: it pays for one social worker}
source: {path: t.csv, year: year}
"""
)
OURS = {"mine/graph/ours.yaml": GRAPH, "mine/experiment/ours.yaml": EXPERIMENT, "t.csv": CLEAN}
OWN = ("--config-dir", "mine", "experiment=ours", *LIGHT)


@dataclass(frozen=True, kw_only=True)
class Case:
    """Words of a call, files in the folder where it is made, and what the message must hold."""

    name: str
    words: tuple[str, ...]
    says: tuple[str, ...]
    files: Mapping[str, str | bytes] = field(default_factory=dict)


def every() -> list[Case]:
    """All cases, each under a name of its own."""
    kinds = (knobs(), keys(), overrides(), arguments(), yaml_files(), tables(), graphs(), protocols(), study_files(), runs(), questions(), swallowed())
    found: dict[str, Case] = {}
    for case in (case for kind in kinds for case in kind):
        found.setdefault(case.name, case)
    return list(found.values())


def shelf() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Group, name and values of every configuration that makes something."""
    for group in ("estimator", "refuters", "source", "decomposition", "graph", "language", "rule"):
        for path in sorted((CONF / group).glob("*.yaml")):
            inside = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
            if TARGET in inside:
                yield group, path.stem, inside


def kind_of(hint: Any) -> str:
    """A coarse kind of annotation: "number", "list", "mapping", "switch", "words" or "choice"."""
    names = str(hint)
    if hint is bool:
        return "switch"
    if hint in (int, float) or ("tuple" not in names and "Mapping" not in names and ("int" in names or "float" in names) and "str" not in names):
        return "number"
    if "Mapping" in names:
        return "mapping"
    if "Literal" in names:
        return "choice"
    return "list" if "tuple" in names or "Sequence" in names else "words"


# for each kind of knob, values that are not of it, as the command line writes them
WRONG = {
    "number": ("hello", "true", "[1]", "{a: 1}", "99999999999999999999"),
    "switch": ("hello", "3", "[true]"),
    "list": ("hello", "3", "{a: 1}", "[{a: 1}]"),
    "mapping": ("hello", "3", "[a]"),
    "choice": ("hello", "3", "[a]", "true"),
    "words": ("[a]", "{a: 1}", "true"),
}


def knobs() -> Iterator[Case]:
    """Of every class on every shelf, each knob once for every second wrong value, taken in turn: all kinds meet all wrong values."""
    turn = 0
    seen: set[tuple[str, str]] = set()
    for group, name, inside in shelf():
        if group in ("graph", "language"):
            continue
        made = resolve(group, inside[TARGET])
        hints = get_type_hints(made)
        at = f"refuters.{name}" if group == "refuters" else group
        for knob in (key for key in inside if key not in (TARGET, "defaults")):
            if (str(hints.get(knob)), knob) in seen or knob not in hints:
                continue
            seen.add((str(hints[knob]), knob))
            wrong = WRONG[kind_of(hints[knob])]
            if "str" in str(hints[knob]) and kind_of(hints[knob]) in ("list", "mapping"):  # one name is taken for a list of one where the class says so
                wrong = tuple(one for one in wrong if one not in ("hello", "[a]") or str in (hints[knob],))
            turn += 1
            if turn % 3 == 0:
                continue
            value = wrong[turn % len(wrong)] if "str" not in get_args(hints[knob]) else wrong[-1]
            if group == "source" and kind_of(hints[knob]) in ("list", "mapping", "words") and value not in ("3", "true"):
                value = "true" if knob not in ("years_across", "loose_keys") else "[[1]]"
            if group == "source" and knob in ("sheet", "header", "years_across"):
                value = "[{a: 1}]"
            if group == "decomposition" and knob in ("placements", "chains", "prices"):
                value = "3"
            command = ("decompose", name) if group == "decomposition" else ("explain",)
            choice = () if group == "decomposition" else (f"refuters=[{name}]",) if group == "refuters" else (f"{group}={name}",)
            path = ("source.path=x.csv",) if group == "source" and name in ("table", "england", "rows") and knob != "path" else ()
            path += ("source.outcome=y",) if (group, name) == ("source", "rows") and knob != "outcome" else ()
            light = ("workers=1",) if group == "refuters" else LIGHT
            yield Case(name=f"{at}.{knob}={value}", words=(*command, *choice, *light, *path, f"{at}.{knob}={value}"), says=(f"{at}.{knob}",))


def keys() -> Iterator[Case]:
    """The study's own keys and the question's, with values of every other kind, null and nothing."""
    for key in ("title", "action", "question", "graph", "source", "estimator", "refuters.x", "rule", "language", "seed", "said", "adjust_for", "baseline"):
        for value in ("3", "[1]"):
            group = key in ("graph", "source", "estimator", "rule", "language", "refuters")
            if (key, value) in (("title", "hello"), ("action", "hello"), ("seed", "3")) or (group and value in ("[1]",)):
                continue
            words = ("explain", *LIGHT, f"{'+' if key == 'refuters.x' else ''}{key}={value}")
            yield Case(name=f"{key}={value}", words=words, says=("'x'" if key == "refuters.x" else key,))
    for key in ("title", "action", "question", "graph", "source", "estimator"):
        yield Case(name=f"~{key}", words=("explain", *LIGHT, f"~{key}"), says=(key,))
    for key in ("question", "rule", "language", "seed"):
        yield Case(name=f"{key}=null", words=("run", *LIGHT, f"{key}=null"), says=(key,))
    question = {
        "treatment": ("3", "[a]", "''", "nothere", "x" * 300),
        "outcome": ("null", "{a: 1}", "nothere", "closures"),
        "control": ("hello", "null", "nan", "inf", "1e300", "0.5"),
        "treated": ("true", "[1]", "0"),
        "smallest_important": ("0", "-1", "hello", "1e300", "1e-300"),
        "because": ("''", "3", "null", "'~'", "'…'"),
        "lag": ("0.5", "hello", "99999999999", "true", "1e3"),
        "modifiers": ("deprivation", "[1]", "[a,a]", "{a: 1}", "[nothere]"),
        "groups": ("1", "0", "hello", "99999999999"),
        "target": ("hello", "att", "null"),
        "places_alike": ("hello", "3"),
        "weights": ("3", "''", "nothere"),
        "level": ("1", "0", "95", "hello"),
        "harm": ("up", "3"),
        "outcome_sd": ("-1", "hello"),
        "outcome_autocorrelation": ("2", "-1", "hello"),
        "outcome_sd_source": ("3",),
    }
    for key, values in question.items():
        for value in values:
            yield Case(name=f"question.{key}={value[:20]}", words=("explain", *TINY, f"question.{key}={value}"), says=(_told(key, value),))
    for key, value in (
        ("rule.level", "0.9"),
        ("rule.steps", "9"),
        ("rule.apart", "0"),
        ("rule.looks", "[nothere]"),
        ("rule.stability", "[nothere]"),
        ("rule.bias.dose", "[nothere]"),
        ("rule.bias.dose", "pre_trend"),
        ("rule.timing", "{nothere: [pre_trend]}"),
        ("+rule.decisive", "[nothere]"),
        ("+rule.bias.nothere", "[pre_trend]"),
        ("seed", "-1"),
        ("seed", "1e5"),
        ("workers", "0"),
        ("workers", "hello"),
        ("workers", "-2"),
        ("workers", "99999999999"),
        ("runs", "null"),
        ("runs", "''"),
        ("runs", "[a]"),
        ("short", "one two three four five six seven eight nine"),
        ("adjust_for", "poverty"),
        ("adjust_for", "[nothere]"),
        ("said", "[{who: a}]"),
        ("said", "[{who: a, what: b, source: c, effect: x}]"),
        ("source.first_year", "9999"),
        ("source.last_year", "1"),
        ("source.keep_regions", "[Nowhere]"),
        ("source.authorities", "2"),
        ("source.years", "1"),
        ("source.authorities", "99999999999"),
        ("source.effect", "1e300"),
        ("source.seed", "-3"),
        ("source.delay", "9"),
    ):
        yield Case(name=f"{key}={value}", words=("explain", *LIGHT, f"{key}={value}"), says=(key.lstrip("+").rpartition(".")[2],))


def _told(key: str, value: str) -> str:
    return value if value in ("nothere", "x" * 300) else key


def overrides() -> Iterator[Case]:
    """Words that are no override, choices that no group has, keys that nobody knows, classes that are none."""
    for word in (
        "=3",
        "question.=3",
        ".x=3",
        "question..lag=3",
        "++=",
        "+",
        "~",
        "@=3",
        "question.lag={a",
        "question.modifiers=[a",
        "a b=c",
        "question.lag:3=1",
    ):
        yield Case(name=f"override {word}", words=("explain", *LIGHT, word), says=(word.partition("=")[0] or "=3",))
    for group in ("experiment", "graph", "source", "estimator", "rule", "language", "outcome"):
        yield Case(name=f"{group}=nothere", words=("run", *LIGHT, f"{group}=nothere"), says=(group, "nothere"))
        yield Case(name=f"{group}=true", words=("explain", f"{group}=true"), says=(group,))
    for name in ("../x", "/etc/passwd", "a@b", "no"):
        yield Case(name=f"estimator={name}", words=("explain", f"estimator={name}"), says=("estimator",))
    yield Case(name="refuters=nothere", words=("explain", "refuters=[nothere]"), says=("nothere",))
    for key in ("nothere", "question.nothere", "estimator.nothere", "source.nothere", "rule.nothere", "question.lagg"):
        yield Case(name=f"{key}=1", words=("run", *LIGHT, f"{key}=1"), says=(key,))
        yield Case(name=f"+{key}=1", words=("explain", *LIGHT, f"+{key}=1"), says=(key.rpartition(".")[2],))
        yield Case(name=f"~{key}", words=("explain", *LIGHT, f"~{key}"), says=(key,))
    for target in (
        "3",
        "os.system",
        "causal.nothing",
        "causal.estimators",
        "causal.question.Question",
        "nothere.Nothing",
        "''",
        "causal.sources.simulated.Simulated",
        "[a]",
        "null",
        "causal.words.count",
        "causal.estimators.difference",
    ):
        yield Case(name=f"estimator of {target}", words=("explain", *LIGHT, f"estimator.{TARGET}={target}"), says=("estimator",))
    for key, value in (("question.lag", "${nothere}"), ("question.lag", "${question.lag}"), ("title", "${oc.env:HOME}"), ("title", "${title}")):
        yield Case(name=f"{key}={value}", words=("explain", *LIGHT, f"{key}={value}"), says=(key,))
    for word in ("hydra.run.dir=x", "hydra=null", "hydra.job.name=x", "+hydra.callbacks.x.y=z", "hydra/job_logging=default"):
        yield Case(name=word, words=("run", *LIGHT, word), says=("hydra",))
    for word in (
        "graph.arrows.cut=3",
        "graph.nodes.x=3",
        "graph.nodes.x={measured: 3}",
        "graph.arrows.plans.closures=''",
        "graph.arrows.nothere.plans=why",
        "graph.arrows.plans.need=why",
    ):
        yield Case(name=f"+{word}", words=("explain", *LIGHT, f"+{word}"), says=(word.split(".")[2].partition("=")[0],))
    for word in ("graph.nodes=null", "graph.arrows=null", "graph.name=''", "graph.nodes=[a]", "graph.arrows=hello"):
        yield Case(name=word, words=("explain", *LIGHT, word), says=(word.partition("=")[0],))
    for word in ("question.lag=1,2", "seed=1,2"):
        yield Case(name=word, words=("run", *LIGHT, word), says=(word.partition("=")[0],))
    yield Case(name="two estimators without -m", words=("run", *LIGHT, "estimator=difference,mean_group"), says=("-m",))
    yield Case(name="null byte", words=("explain", *LIGHT, "title=a\0b"), says=("title",))
    yield Case(name="control character", words=("explain", *LIGHT, "title=a\x1b[31mb"), says=("title",))
    yield Case(name="surrogate", words=("explain", *LIGHT, "title=a\ud800b"), says=("title",))
    yield Case(name="3,000 brackets", words=("explain", *LIGHT, f"question.modifiers={'[' * 3000}"), says=("question.modifiers",))
    yield Case(name="a text without end", words=("explain", *LIGHT, f"title={'x' * 20_000}"), says=("title",))


def arguments() -> Iterator[Case]:
    """Every command with too little, too much, or what it does not take."""
    for words, says in (
        (("nothere",), "nothere"),
        (("runn",), "run"),
        (("--nothere",), "--nothere"),
        (("run", "--nothere"), "--nothere"),
        (("closures",), "experiment=closures"),
        (("run", "closures"), "experiment=closures"),
        (("run", "nothere"), "nothere"),
        (("list", "nothere"), "nothere"),
        (("list", "estimators", "x=1"), "x=1"),
        (("describe",), "NAME"),
        (("describe", "nothere"), "nothere"),
        (("describe", ""), "causal describe"),
        (("decompose",), "NAME"),
        (("decompose", "nothere"), "nothere"),
        (("study",), "NAME"),
        (("study", "nothere"), "nothere"),
        (("compare",), "RUN_OR_FOLDER"),
        (("compare", "nothere"), "nothere"),
        (("report",), "RUN_OR_FOLDER"),
        (("report", "nothere"), "nothere"),
        (("check",), "FILE_OR_FOLDER"),
        (("check", "nothere.csv"), "nothere.csv"),
        (("check", ""), ".csv"),
        (("new",), "--treatment"),
        (("new", "nothere.csv", "--treatment", "a", "--outcome", "b"), "nothere.csv"),
        (("facts",), "source.path"),
        (("facts", "source.path=nothere"), "nothere"),
        (("facts", "source.path="), "source.path"),
        (("fetch", "--only", "nothere"), "nothere"),
        (("simulate", "--panels", "x"), "--panels"),
        (("simulate", "--panels", "1", *LIGHT), "--panels"),
        (("simulate", "--panels", "99999999999", *LIGHT), "--panels"),
        (("simulate", "--effects", "x"), "--effects"),
        (("simulate", "--effects", "1", "1", *(f"{one}" for one in ("--panels", "2"))), "--effects"),
        (("simulate", "--effects", "inf"), "--effects"),
        (("simulate", "--effects", "nan"), "--effects"),
        (("simulate", "--effects", "1e300"), "--effects"),
        (("simulate", "--worlds", "x"), "--worlds"),
        (("run", "-q", "--verbose"), "--verbose"),
        (("run", "--config-dir"), "--config-dir"),
        (("run", "--config-dir", "nothere"), "nothere"),
        (("run", "--trust", "nothere"), "nothere"),
        (("run", "--trust", ""), "--trust"),
        (("explain", "--save"), "--save"),
        (("explain", "--save", "nothere/p.yaml", LIGHT[0], *TINY[2:]), "nothere/p.yaml"),
        (("explain", "--save", ".", LIGHT[0], *TINY[2:]), "."),
        (("check", ".", "--cell", "a", "b"), "--cell"),
        (("study", "england", "--since", "nothere"), "nothere"),
        (("list", "--config-dir"), "--config-dir"),
        (("run", "protocol=nothere.yaml"), "nothere.yaml"),
        (("run", "-m", "protocol=a"), "protocol"),
        (("run", "protocol=a", "protocol=b"), "protocol"),
        (("run", "protocol="), "protocol"),
        (("run", "protocol=."), "protocol"),
        (("run", "-m", "estimator=difference,nothere", *LIGHT), "nothere"),
    ):
        yield Case(name=f"causal {' '.join(words)[:60]}", words=words, says=(says,))
    for command in (("run",), ("study", "twins"), ("decompose", "variation"), ("simulate", "--panels", "2")):
        yield Case(name=f"{command[0]} to no folder", words=(*command, *TINY[1:], "runs=/proc/nothere"), says=("/proc/nothere",))
    for command in (("run", *LIGHT), ("list",), ("describe", "plans")):
        for folder in ("", "nothere", "t.csv"):
            yield Case(name=f"{command[0]} --config-dir {folder or 'of nothing'}", words=(*command, "--config-dir", folder), says=("--config-dir",), files=OURS)
    for words in (
        ("",),
        ("describe", "x" * 5_000),
        ("describe", "../estimator/difference"),
        ("fetch", "--to", "a\0b"),
        ("run", "--config-dir", "a\0b"),
        ("list", "\0"),
    ):
        yield Case(name=f"causal {words[0]} {words[-1][:20]!r}", words=words, says=("causal",))
    yield Case(name="describe no YAML", words=("describe", "ours", "--config-dir", "mine"), says=("ours.yaml",), files={"mine/estimator/ours.yaml": "folds: ["})
    yield from plans()


def plans() -> Iterator[Case]:
    """Numbers of `causal plan` that no study has, and tables that cannot give them."""
    asked = ("plan", "panel", "--because", "x", "--smallest-important")
    for size in ("0", "-1", "nan", "inf", "1e300", "hello"):
        yield Case(name=f"plan --smallest-important {size}", words=(*asked, size), says=("smallest",))
    for flag, values in (
        ("--sd", ("0", "1e300", "nan")),
        ("--icc", ("-0.1", "2")),
        ("--autocorrelation", ("1", "nan")),
        ("--places", ("0", "99999999999", "1.5")),
        ("--people", ("0", "9" * 400)),
        ("--years", ("1", "99999999999")),
        ("--before", ("0", "8")),
        ("--share", ("0", "1")),
        ("--level", ("1", "95")),
        ("--power", ("0", "1")),
        ("--attrition", ("1",)),
        ("--choose", ("3",)),
    ):
        for value in values:
            yield Case(name=f"plan {flag} {value[:20]}", words=(*asked, "1", flag, value), says=(flag.removeprefix("--"),))
    table = (*asked, "1", "--from", "t.csv", "--outcome", "plans")
    for more, says in (
        (("--choose", "-4"), "--choose"),
        (("--choose", "999"), "999"),
        (("--choose", "4", "--seed", "-4"), "--seed"),
        (("--choose", "4", "--like", "nothere"), "nothere"),
        (("--until", "1"), "1"),
        (("--outcome", "nothere"), "nothere"),
        (("--to", ""), "--to"),
        (("--to", "t.csv"), "t.csv"),
    ):
        yield Case(name=f"plan of a table {' '.join(more)}", words=(*table, *more), says=(says,), files=OURS)


def yaml_files() -> Iterator[Case]:
    """Configurations of a person's own that are no keys and values, lead back to themselves, or stand for more than a machine holds."""
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))
    inside: dict[str, tuple[str | bytes, str]] = {
        "empty": ("", "nothing"),
        "a comment": ("# nothing\n", "nothing"),
        "a list": ("- a\n- b\n", "a list"),
        "a scalar": ("hello\n", "hello"),
        "a number": ("3\n", "3"),
        "null": ("null\n", "nothing"),
        "not UTF-8": ("title: café\n".encode("latin-1"), "UTF-8"),
        "UTF-16": ("title: a\n".encode("utf-16"), "UTF-8"),
        "a null byte": ("title: a\0b\n", "YAML"),
        "an open bracket": ("title: [a\n", "bracket"),
        "an open quote": ("title: 'a\n", "quote"),
        "a tab": ("title: a\n\tb: c\n", "tab"),
        "two colons": ("title: a: b\n", "colon"),
        "a key twice": ("title: a\ntitle: b\n", "title"),
        "an anchor cycle": ("a: &a {b: *a}\n", "anchor"),
        "no anchor": ("a: *nothere\n", "anchor"),
        "a bomb": (bomb, "values"),
        "3,000 brackets": (f"a: {'[' * 3000}\n", "levels"),
        "a tag": ("a: !!python/object/apply:os.system [ls]\n", "tag"),
        "a key that is no text": ("3: a\n", "3"),
        "Norway": ("no: a\n", "false"),
        "two documents": ("---\na: 1\n---\nb: 2\n", "document"),
        "too large": ("a: " + "x" * 3_000_000, "MB"),
        "a date that is none": ("a: 2019-13-45\n", "YAML"),
        "defaults of themselves": ("defaults: [ours]\n", "back to itself"),
        "defaults that are text": ("defaults: hello\n", "defaults"),
        "defaults with a number": ("defaults: [3]\n", "defaults"),
        "defaults of nothing there": ("defaults: [override /graph: nothere]\n", "nothere"),
        "defaults of Norway": ("defaults: [override /graph: no]\n", "graph"),
        "defaults of a mapping": ("defaults: [override /graph: {a: 1}]\n", "graph"),
        "a knob that is none": (
            EXPERIMENT[len(HEAD) :].replace("[override /graph: ours, override /source: table]", "[]").replace("path: t.csv, year: year", "") + "nothere: 1\n",
            "nothere",
        ),
        "hydra's own key": ("hydra: {run: {dir: x}}\n", "hydra"),
    }
    for name, (text, says) in inside.items():
        whole = HEAD.encode() + text if isinstance(text, bytes) else HEAD + text
        yield Case(
            name=f"experiment of {name}",
            words=("explain", "--config-dir", "mine", "experiment=ours", *LIGHT),
            says=(says,),
            files={"mine/experiment/ours.yaml": whole},
        )
    for group in ("graph", "source", "estimator", "rule", "language"):
        for name, text in (("a list", "- a\n"), ("a scalar", "hello\n"), ("no class", "a: 1\n")):
            says = f"{group}/ours.yaml" if name != "no class" else group
            words = ("explain", "--config-dir", "mine", f"{group}=ours", *LIGHT)
            yield Case(name=f"{group} of {name}", words=words, says=(says,), files={f"mine/{group}/ours.yaml": text})
    yield Case(
        name="no @package", words=("explain", "--config-dir", "mine", "experiment=ours"), says=("@package",), files={"mine/experiment/ours.yaml": "title: a\n"}
    )
    two = {"mine/graph/ours.yaml": "defaults: [theirs]\n", "mine/graph/theirs.yaml": "defaults: [ours]\n"}
    yield Case(name="two that name one another", words=("explain", "--config-dir", "mine", "graph=ours"), says=("back to itself",), files=two)
    yield Case(name="a folder that is a file", words=("explain", "--config-dir", "mine"), says=("mine",), files={"mine": "x"})
    for name, old, new, says in (
        ("graph: no", "graph: ours", "graph: no", "graph"),
        ("an arrow without a reason", "{plans: the question}", "{plans: }", "plans"),
        ("a node called no", "poverty: {}", "no: {}", "False"),
        ("a node with a year", "poverty: {}", "'poverty[1]': {}", "poverty[1]"),
        ("a circle", "cut: {plans: the question}", "cut: {plans: the question}\n  plans: {cut: back}", "circle"),
        ("an arrow with a list of no reasons", "{plans: the question}", "{plans: []}", "plans"),
        ("an arrow to nowhere", "cut: {plans: the question}", "cut: {nowhere: the question}", "nowhere"),
        ("a lag without end", "{plans: the question}", "{plans: {because: x, lag: 99999999999}}", "lag"),
    ):
        files = {path: text.replace(old, new) if isinstance(text, str) else text for path, text in OURS.items()}
        yield Case(name=name, words=("explain", *OWN), says=(says,), files=files)


def tables() -> Iterator[Case]:
    """Tables that cannot be used, by `explain` of a study on them and by `causal check`."""
    rows = CLEAN.splitlines(keepends=True)
    wrong: dict[str, tuple[str | bytes, str]] = {
        "empty": ("", "t.csv"),
        "headings alone": (rows[0], "t.csv"),
        "a word among numbers": (CLEAN.replace("A03,2012,0.", "A03,2012,lots", 1), "lots"),
        "a year twice": (CLEAN + rows[1], "2010"),
        "an outcome of 1e300": (_cell(4, "1e300"), "plans"),
        "an outcome of -1e300": (_cell(4, "-1e300"), "plans"),
        "a column called plans[1]": (CLEAN.replace("poverty", "plans[1]", 1), "plans[1]"),
        "a column twice": (CLEAN.replace("poverty", "cut", 1), "cut"),
        "no such column": (CLEAN.replace("plans", "plane", 1), "plans"),
        "no year": (CLEAN.replace("year", "when", 1), "year"),
        "a year that is none": (CLEAN.replace("A03,2012", "A03,twelve", 1), "twelve"),
        "year 9999999": (CLEAN.replace("A03,2012", "A03,9999999", 1), "9999999"),
        "no authority": (CLEAN.replace("authority", "place", 1), "authority"),
        "a row too long": (CLEAN.replace(rows[2], rows[2].rstrip() + ",1,2,3\n", 1), "row"),
        "binary": (bytes(range(256)) * 20, "t.csv"),
        "one authority": (rows[0] + "".join(rows[1:7]), "authorit"),
        "an outcome that does not move": (_column(4, "40"), "plans"),
        "a treatment that does not move": (_column(2, "0.5"), "cut"),
        "an outcome that is empty": (_column(4, ""), "plans"),
    }
    for name, (text, says) in wrong.items():
        files = {**OURS, "t.csv": text}
        if name not in ("an outcome that does not move", "a treatment that does not move"):
            yield Case(name=f"explain a table: {name}", words=("explain", *OWN), says=(says,), files=files)
        if name in (
            "empty",
            "headings alone",
            "a word among numbers",
            "a year twice",
            "a column twice",
            "binary",
            "a year that is none",
            "an outcome of 1e300",
        ):
            yield Case(
                name=f"check a table: {name}", words=("check", "t.csv", "--year", "year", "--authority", "authority"), says=(says,), files={"t.csv": text}
            )
    for name, text in (("no workbook", "hello"), ("a cut workbook", b"PK\x03\x04" + b"x" * 400)):
        yield Case(name=f"a table: {name}", words=("explain", *OWN, "source.path=t.xlsx"), says=("t.xlsx",), files={**OURS, "t.xlsx": text})
    yield Case(name="a path of 6,000 letters", words=("explain", *OWN, f"source.path={'a/' * 3000}x.csv"), says=("x.csv",), files=OURS)
    for ending in ("parquet", "dta", "doc", ""):
        path = f"u.{ending}" if ending else "u"
        yield Case(name=f"a table: text as .{ending}", words=("explain", *OWN, f"source.path={path}"), says=(path,), files={**OURS, path: "hello"})
    for key, value, says in (
        ("path", "nothere.csv", "nothere.csv"),
        ("path", ".", "."),
        ("path", "[]", "source.path"),
        ("path", "[t.csv,t.csv]", "t.csv"),
        ("authority", "nothere", "nothere"),
        ("year", "nothere", "nothere"),
        ("cluster", "nothere", "nothere"),
        ("name", "nothere", "nothere"),
        ("region", "nothere", "nothere"),
        ("groups", "nothere", "nothere"),
        ("borders", "nothere.csv", "nothere.csv"),
        ("population", "nothere", "nothere"),
        ("variables", "{plans: {column: nothere}}", "nothere"),
        ("variables", "{plans: {unit: {a: 1}}}", "unit"),
        ("variables", "{plans: {nothere: 1}}", "nothere"),
        ("variables", "{plans: 3}", "plans"),
        ("variables", "{plans: {count_per: hello}}", "count_per"),
        ("variables", "{plans: {least: hello}}", "least"),
        ("variables", "{plans: {least: 1000}}", "plans"),
        ("variables", "{plans: {varies: sometimes}}", "varies"),
        ("variables", "{plans: {label: 3}}", "label"),
        ("sheet", "nothere", "sheet"),
        ("only", "{nothere: 1}", "nothere"),
        ("only", "{poverty: nothere}", "nothere"),
        ("derived", "{x: {nothere: plans}}", "nothere"),
        ("derived", "{x: {lag: nothere}}", "nothere"),
        ("derived", "{x: 3}", "x"),
        ("derived", "{x: {lag: plans, by: 99999}}", "by"),
        ("derived", "{plans: {lag: plans}}", "plans"),
        ("derived", "{x: {log: plans, guard: hello}}", "guard"),
        ("header", "99", "header"),
        ("header", "0", "header"),
        ("fill", "[nothere]", "nothere"),
        ("leave_out", "[nothere]", "nothere"),
        ("pivot", "{by: nothere, values: plans}", "nothere"),
        ("combine", "nothere", "combine"),
        ("period", "nothere", "period"),
        ("decimal", "nothere", "decimal"),
        ("century", "hello", "century"),
        ("years_across", "3", "years_across"),
    ):
        yield Case(name=f"source.{key}={value}", words=("explain", *OWN, f"source.{key}={value}"), says=(says,), files=OURS)


def _cell(column: int, value: str) -> str:
    lines = CLEAN.splitlines()
    cells = lines[5].split(",")
    cells[column] = value
    return "\n".join([*lines[:5], ",".join(cells), *lines[6:]]) + "\n"


def _column(column: int, value: str) -> str:
    lines = [line.split(",") for line in CLEAN.splitlines()]
    return "\n".join(",".join([*cells[:column], cells[column] if at == 0 else value, *cells[column + 1 :]]) for at, cells in enumerate(lines)) + "\n"


def graphs() -> Iterator[Case]:
    """Graphs from files that are no graphs."""
    wrong = {
        "empty.dot": ("", "empty.dot"),
        "half.dot": ("digraph { a -> ", "half.dot"),
        "undirected.dot": ("graph { a -- b }", "undirected.dot"),
        "text.dot": ("hello", "text.dot"),
        "circle.dot": ("digraph { closures -> plans; plans -> closures }", "circle"),
        "other.dot": ("digraph { a -> b }", "closures"),
        "empty.gml": ("", "empty.gml"),
        "half.gml": ("graph [ node [", "half.gml"),
        "undirected.gml": ('graph [ node [ id 0 label "a" ] node [ id 1 label "b" ] edge [ source 0 target 1 ] ]', "undirected.gml"),
        "empty.dagitty": ("", "empty.dagitty"),
        "half.dagitty": ("dag { closures -> ", "half.dagitty"),
        "undirected.dagitty": ("dag { closures -- plans }", "undirected.dagitty"),
        "pdag.dagitty": ("pdag { closures -- plans }", "pdag.dagitty"),
        "text.dagitty": ("hello there", "text.dagitty"),
        "empty.yaml": ("", "empty.yaml"),
        "list.yaml": ("- a\n", "list.yaml"),
        "nodes.yaml": ("name: a\nnodes: 3\narrows: {}\n", "nodes"),
        "half.yaml": ("nodes: [", "half.yaml"),
        "more.yaml": ("name: a\nnodes: {a: {}}\narrows: {}\nnothere: 1\n", "nothere"),
        "bomb.yaml": (
            "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 10)}]\n" for n in range(7)),
            "bomb.yaml",
        ),
        "other.doc": ("hello", "other.doc"),
        "latin.dot": ("digraph { café -> plans }".encode("latin-1"), "latin.dot"),
        "binary.gml": (bytes(range(256)), "binary.gml"),
        "json.dot": ('{"a": 1}', "json.dot"),
    }
    for name, (text, says) in wrong.items():
        yield Case(name=f"graph {name}", words=("explain", *LIGHT, "graph=file", f"graph.path={name}"), says=(says,), files={name: text})
    for path in ("nothere.dot", ".", "''", "3", "[a]", "null"):
        yield Case(
            name=f"graph.path={path}",
            words=("explain", *LIGHT, "graph=file", f"graph.path={path}"),
            says=(path if path.endswith(".dot") else "graph.path" if path != "." else ".",),
        )


def protocols() -> Iterator[Case]:
    """Protocols that are none."""
    for name, text, says in (
        ("empty", "", "p.yaml"),
        ("a list", "- a\n", "protocol"),
        ("a scalar", "hello\n", "protocol"),
        ("no YAML", "a: [\n", "bracket"),
        ("not UTF-8", "a: é\n".encode("latin-1"), "UTF-8"),
        ("a bomb", "a: &a {b: *a}\n", "anchor"),
        ("another version", "config: {}\ndigest: x\nschema_version: 9\n", "9"),
        ("another digest", "config: {}\ndigest: x\nschema_version: 1\n", "p.yaml"),
        ("nulls", "config:\ndigest:\nschema_version:\nwords:\n", "p.yaml"),
        ("a digest that is a list", "config: {}\ndigest: [a]\nschema_version: 1\n", "p.yaml"),
        ("brackets", "a: " + "[" * 3000, "levels"),
    ):
        yield Case(name=f"protocol of {name}", words=("run", "protocol=p.yaml"), says=(says,), files={"p.yaml": text})


def study_files() -> Iterator[Case]:
    """Files of studies that are none."""
    for name, text, says in (
        ("empty", "", "entries"),
        ("a list", "- a\n", "entries"),
        ("a scalar", "hello\n", "entries"),
        ("no entries", "title: a\nentries: []\n", "entries"),
        ("entries that are null", "title: a\nentries:\n", "entries"),
        ("entries of text", "title: a\nentries: hello\n", "entries"),
        ("an entry of text", "title: a\nentries: [hello]\n", "hello"),
        ("an entry of null", "title: a\nentries: [null]\n", "entry"),
        ("an entry of both", "title: a\nentries: [{run: a=b, decompose: x}]\n", "decompose"),
        ("words that are a number", "title: a\nentries: [{run: 3}]\n", "run"),
        ("another key", "title: a\nentries: [{run: a=b}]\nnothere: 1\n", "nothere"),
        ("a title that is a list", "title: [a]\nentries: [{run: a=b}]\n", "title"),
        ("a title of nothing", "title:\nentries: [{run: a=b}]\n", "title"),
        ("hydra's own key", "title: a\nentries: [{run: hydra.run.dir=x}]\n", "hydra"),
        ("how to run", "title: a\nwords: workers=3\nentries: [{run: seed=1}]\n", "workers"),
        ("no YAML", "title: [\n", "bracket"),
        ("not UTF-8", "title: é\n".encode("latin-1"), "UTF-8"),
        ("a cycle", "title: a\nentries: &a [*a]\n", "anchor"),
        ("a decomposition without a name", "title: a\nentries: [{decompose: ''}]\n", "decompose"),
    ):
        yield Case(name=f"study of {name}", words=("study", "ours", "--config-dir", "mine", *LIGHT), says=(says,), files={"mine/study/ours.yaml": text})


def runs() -> Iterator[Case]:
    """Records of runs, decompositions and studies that are damaged."""
    keys = (
        "title",
        "action",
        "question",
        "graph",
        "source",
        "identification",
        "design",
        "estimate",
        "baseline",
        "steps",
        "dose",
        "refutations",
        "rule",
        "verdict",
        "answer",
        "language",
        "provenance",
        "said",
    )
    nulls = dict.fromkeys(keys)
    wrong: dict[str, str | bytes] = {
        "empty": "",
        "a list": "[]",
        "null": "null",
        "a number": "3",
        "cut": '{"schema_version": 3, "title": "a',
        "no version": "{}",
        "another version": '{"schema_version": 99}',
        "a version that is a list": '{"schema_version": [3]}',
        "nulls": json.dumps({"schema_version": 3, **nulls}),
        "nulls of schema 2": json.dumps({"schema_version": 2, **nulls}),
        "nulls of schema 1": json.dumps({"schema_version": 1, **nulls}),
        "empty mappings": json.dumps({"schema_version": 3, **{key: {} for key in keys}}),
        "empty lists": json.dumps({"schema_version": 3, **{key: [] for key in keys}}),
        "texts": json.dumps({"schema_version": 3, **dict.fromkeys(keys, "x")}),
        "numbers": json.dumps({"schema_version": 3, **dict.fromkeys(keys, 3)}),
        "title and nothing else": '{"schema_version": 3, "title": "a"}',
        "NaN": '{"schema_version": 3, "title": NaN}',
        "brackets": '{"schema_version": 3, "a": ' + "[" * 100_000,
        "not UTF-8": '{"title": "é"}'.encode("latin-1"),
        "binary": bytes(range(256)),
        "decomposition of nulls": json.dumps(
            {"schema_version": 3, "decomposition": "x", **dict.fromkeys(("title", "headline", "tables", "figures", "truth", "source", "provenance"))}
        ),
    }
    for name, text in wrong.items():
        yield Case(name=f"report of {name}", words=("report", "r"), says=("r", "result.json"), files={"r/result.json": text})
    for name in ("cut", "nulls", "a list", "numbers"):
        yield Case(name=f"compare {name}", words=("compare", "r"), says=("result.json",), files={"r/result.json": wrong[name]})
        yield Case(name=f"study since {name}", words=("study", "twins", "--since", "s", *LIGHT), says=("s/",), files={"s/study.json": wrong[name]})
    whole = json.loads((Path(__file__).parent.parent / "records/schema_3/result.json").read_text(encoding="utf-8"))
    for place, value in (
        ("question.outcome", None),
        ("question.level", "high"),
        ("estimate.lower", []),
        ("estimate.estimand", {}),
        ("estimate.estimand.scale", [None]),
        ("language.certainties", [None]),
        ("language.classes", True),
        ("estimate.effect", {}),
        ("refutations", [None]),
        ("graph.nodes", 3),
    ):
        odd = json.loads(json.dumps(whole))
        *above, last = place.split(".")
        home = odd
        for key in above:
            home = home[key]
        home[last] = value
        for name, words in (("report", ("report", "r/odd")), ("compare", ("compare", "r/odd", "r/whole", "--to", "both"))):
            files = {"r/odd/result.json": json.dumps(odd), "r/whole/result.json": json.dumps(whole)}
            yield Case(name=f"{name} with {place} of {value!r}", words=words, says=("odd/result.json",), files=files)
    yield Case(name="report of an empty folder", words=("report", "r"), says=("result.json",), files={"r/x.txt": "x"})
    yield Case(name="compare an empty folder", words=("compare", "r"), says=("result.json",), files={"r/x.txt": "x"})
    yield Case(name="compare to a folder in use", words=("compare", "r", "--to", "to"), says=("to",), files={"r/result.json": wrong["nulls"], "to/x.txt": "x"})


def questions() -> Iterator[Case]:
    """Parts of a study that name columns, where there is none of that name: by explain and by run."""
    for group, name, knob in (
        ("estimator", "two_stage_least_squares", "instruments"),
        ("estimator", "dml_iv", "instruments"),
        ("estimator", "mediation", "mediators"),
        ("refuters", "negative_control_outcome", "outcomes"),
        ("refuters", "negative_control_exposure", "exposures"),
        ("refuters", "second_measure", "column"),
        ("refuters", "shared_shocks", "deprivation"),
    ):
        at = f"refuters.{name}" if group == "refuters" else group
        choice = f"refuters=[{name}]" if group == "refuters" else f"estimator={name}"
        value = "nothere" if knob in ("column", "deprivation") else "[nothere]"
        for command in ("explain", "run"):
            words = (command, *TINY[1:], *([] if group == "refuters" else ["refuters=[]"]), choice, f"{at}.{knob}={value}")
            yield Case(name=f"{command} {name}.{knob}", words=words, says=("nothere",))


def swallowed() -> Iterator[Case]:
    """What would be taken without a word and change nothing, or half: names twice, lists where one is wanted, names that exist nowhere."""
    for words, says in (
        ("refuters=[bootstrap,bootstrap]", "bootstrap"),
        ("refuters=[default,leverage,leverage]", "leverage"),
        ("outcome=[plans]", "outcome"),
        ("outcome=[plans,section47]", "outcome"),
        ("estimator=[fixed_effects]", "estimator"),
        ("estimator=[fixed_effects,linear_dml]", "estimator"),
        ("experiment=[closures]", "experiment"),
        ("graph=[nao]", "graph"),
        ("source=[simulated]", "source"),
    ):
        yield Case(name=f"swallowed {words}", words=("explain", words, *TINY[1:]), says=(says,))
    for words, says in (
        ("question.modifiers=[cut]", "question.modifiers"),
        ("question.modifiers=[plans]", "question.modifiers"),
        ("question.modifiers=[poverty,poverty]", "poverty"),
        ("adjust_for=[poverty,poverty,authority,year]", "poverty"),
        ("source.leave_out=[A01,A01]", "A01"),
        ("source.only={poverty: [1, 1]}", "source.only.poverty"),
        ("source.variables={nothere: {unit: x}}", "nothere"),
        ("rule.randomised='3'", "rule.randomised"),
        ("+language.checks.nothere=words", "nothere"),
        ("unmoved={nothere: because it is}", "nothere"),
    ):
        yield Case(name=f"swallowed {words}", words=("explain", *OWN, words), says=(says,), files=OURS)
    yield Case(
        name="check one value kept twice",
        words=("check", "t.csv", "--year", "year", "--only", "poverty=1", "--only", "poverty=1"),
        says=("poverty",),
        files=OURS,
    )
    new = ("new", "t.csv", "--year", "year", "--authority", "authority", "--treatment", "cut", "--outcome", "plans", "--to", "x", "--confounders")
    yield Case(name="new with the treatment for a confounder", words=(*new, "cut"), says=("cut",), files=OURS)
    yield Case(name="new with the outcome for a confounder", words=(*new, "plans,poverty"), says=("plans",), files=OURS)
    yield Case(name="new with a confounder twice", words=(*new, "poverty,poverty"), says=("poverty",), files=OURS)
    alike = {"t.csv": CLEAN.replace("poverty", "a b,a-b", 1).replace("\n", ",1\n").replace("plans,1", "plans", 1)}
    yield Case(name="new with two confounders of one name", words=(*new, "a b,a-b"), says=("a_b",), files=alike)
