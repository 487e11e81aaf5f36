"""`causal new`: a table, a treatment and an outcome become a commented graph and experiment, with an estimator that suits the treatment's shape.

What a machine can read off a table is filled in: which columns are keys, whether the treatment is taken up and kept, goes up and down, or is a dose, how far
the outcome moves anyway. What it cannot know stands there as a question: which other causes there are, and why a size would matter.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

import causal.conf
from causal.analysis import analyse
from causal.design import Design
from causal.errors import CausalError, ConfigError, refusal, suggest
from causal.estimators import shelf
from causal.estimators.fixed_effects import FixedEffects
from causal.graph import Graph
from causal.knobs import is_number
from causal.needs import unmet_requirements
from causal.panel import Panel
from causal.proposal import REASONS, Proposed, proposal
from causal.question import Question
from causal.table_flags import command, first_years, report, table_knobs
from causal.words import count, listed

TEMPLATES = Path(causal.conf.__path__[0]) / "template"
PEOPLE = re.compile(r"pop|people|children|persons|residents|pupils|patients|inhabitants", re.IGNORECASE)
FEW_KINDS = 10  # an outcome of fewer kinds than this is a scale and no count
# flags of its own beside those of the table, and what they are where nothing is said
OWN = ("treatment", "outcome", "confounders", "instrument", "template", "because", "smallest_important", "harm", "lag", "to", "called")
USUAL = {"to": Path("mine"), "called": "ours"}
TRUTHS = ("on", "off", "yes", "no", "y", "n", "true", "false", "null")  # YAML reads these as other than names
UNRECORDED = "unrecorded"  # the hidden cause that an instrument is wanted for
UNSAID = "a tenth of what it usually is, put in by causal new: say here why a change of this size would matter, or change it"
HELD = {
    "authority": ("all that is lasting about a place", "authority"),
    "year": ("all that hit every place in a year", "year"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """The two levels that are compared.

    Parameters
    ----------
    words : how the treatment moves, as a sentence.
    control, treated : the levels.
    """

    words: str
    control: float
    treated: float


def main(given: argparse.Namespace) -> int:
    """Write a study's files.

    Parameters
    ----------
    given : words of the command line.

    Returns
    -------
    status : 0, or 2 where the table asks for a choice first.

    Raises
    ------
    CausalError : a template, a name or a file that does not fit.
    """
    if given.smallest_important is not None and not (is_number(given.smallest_important) and given.smallest_important > 0):
        wanted = "a size above 0, in the outcome's unit"
        raise refusal(ConfigError, "--smallest-important", wanted, f"{given.smallest_important:g}", "write the smallest effect that would matter")
    template = _template(given.template) if given.template else {}
    treatment = given.treatment or str(template.get("treatment", {}).get("node", ""))
    outcome = given.outcome or str(template.get("outcome", {}).get("node", ""))
    if not treatment or not outcome:
        raise refusal(
            ConfigError,
            "causal new",
            "--treatment and --outcome, columns of the table, or --template",
            f"{'--outcome' if outcome else '--treatment'} alone" if outcome or treatment else "none of them",
            f"name them; templates are {', '.join(_names())}",
        )
    if treatment == outcome:
        raise refusal(
            ConfigError,
            "causal new",
            "two variables, since an effect needs two",
            f"{outcome!r} for both --treatment and --outcome",
            "name another for one of them",
        )
    confounders = _confounders(given.confounders, template)
    if both := next((column for column in confounders.values() if column in (treatment, outcome)), ""):
        which = "treatment" if both == treatment else "outcome"
        raise refusal(ConfigError, "--confounders", "columns that move treatment and outcome both", f"{both!r}, which is the {which} itself", "leave it out")
    panel, knobs = None, table_knobs(given)
    if given.path:
        wanted = [treatment, outcome, *confounders.values(), *(word.strip() for word in (given.instrument or "").split(",") if word.strip())]
        more = {key: value for key in OWN if (value := getattr(given, key)) is not None and value != USUAL.get(key)}
        lines, found = report(given.path, knobs, wanted, again="new", more=more)
        if found.panel is None or found.chosen:
            print("\n".join(lines))
            return 2
        if found.problems:
            print("\n".join(lines[:-2]))
        panel, knobs = found.panel, {**knobs, **found.knobs}
        if panel is not None and (made := first_years(panel, treatment)):
            again = {**knobs, "derived": {**(knobs.get("derived") or {}), **made}, **more, "treatment": next(iter(made))}
            raise refusal(
                ConfigError,
                f"the treatment {treatment!r}",
                "a column that is 0 before it began and 1 after",
                "the year in which it began",
                f"make one of it:  {command('new', given.path, again)}",
            )
    study = _Study(given, template, panel, knobs, treatment, outcome, confounders)
    files = study.write()
    print(f"{study.summary()}\nwritten: {listed([str(file) for file in files])}")
    words = f"--config-dir {given.to} experiment={given.called}"
    if panel is None:
        print(f"next: put your columns' names in, then  causal explain {words} source.path=FILE")
        return 0
    from causal.experiments.run import explain

    print(explain([f"experiment={given.called}"], folders=[given.to]))
    print(f"next: causal run {words}")
    return 0


# ---------------------------------------------------------------- what is asked
def _names() -> list[str]:
    return sorted(path.stem for path in TEMPLATES.glob("*.yaml"))


def _template(name: str) -> dict[str, Any]:
    path = TEMPLATES / f"{name}.yaml"
    if not path.is_file():
        raise refusal(ConfigError, "--template", "a template that there is", repr(name), suggest(name, _names()))
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def _confounders(text: str | None, template: Mapping[str, Any]) -> dict[str, str]:
    """Node → column: `poverty,grant`, or for a template's nodes `need=child_poverty`."""
    out: dict[str, str] = {}
    for word in filter(None, (one.strip() for one in (text or "").split(","))):
        node, equals, column = word.partition("=")
        node = node.strip() if equals else _identifier(node)
        if equals and template and node not in template.get("nodes", {}):
            raise refusal(ConfigError, f"--confounders {word}", "a node of the template", repr(node), suggest(node, template.get("nodes", {})))
        if node in out:
            raise refusal(
                ConfigError, "--confounders", "names that differ once blanks and signs are taken out", f"{word!r}, the second that is {node}", "take one away"
            )
        out[node] = column.strip() if equals else word
    return out


def _instruments(text: str | None, columns: Mapping[str, str]) -> dict[str, str]:
    """Node → column of what moves the treatment and nothing else of the outcome: `distance,lottery`.

    Raises
    ------
    ConfigError : one that is treatment, outcome or confounder too.
    """
    names = {_identifier(word): word for word in (one.strip() for one in (text or "").split(",")) if word}
    if both := [word for node, word in names.items() if node in columns]:
        raise refusal(
            ConfigError,
            f"--instrument {both[0]}",
            "a column that moves the treatment, and the outcome through it alone",
            "one that is the treatment, the outcome or a confounder already",
            "take it out of the other",
        )
    return names


def _identifier(column: str) -> str:
    """A column's name as a graph and a command line can call it."""
    plain = re.sub(r"\W+", "_", column).strip("_")
    plain = plain if re.match(r"[A-Za-z_]", plain) else f"v_{plain}"
    return f"{plain}_" if plain in HELD or plain.lower() in TRUTHS else plain


# ---------------------------------------------------------------- what the table shows
def contrast_of(panel: Panel, treatment: str) -> Contrast:
    """The two levels of a treatment to compare, and how it moves, in words.

    Parameters
    ----------
    panel : with the treatment as a column.
    treatment : its name.

    Raises
    ------
    ConfigError : it never moves.
    """
    column = panel.frame[treatment]
    wide, values = column.unstack("year"), np.unique(column.dropna())
    if len(values) < 2:
        raise refusal(ConfigError, f"the treatment {treatment!r}", "two values to compare", f"{values[0]:g} in every row", "name another column")
    one_year = len(panel.years) == 1
    if len(values) == 2:
        ends = {"control": float(values[0]), "treated": float(values[1])}
        if one_year:
            return Contrast(words=f"a cross-section with two values, {values[0]:g} and {values[1]:g}", **ends)
        return Contrast(words=_of_two_values(wide, values, treatment), **ends)
    spread = column if one_year else column - column.groupby(level="authority").transform("mean")
    if spread.std() < 1e-9 * max(1.0, float(np.abs(values).max())):
        raise refusal(
            ConfigError,
            f"the treatment {treatment!r}",
            "a change within authorities, since a panel compares each with itself",
            "none: it does not change within any authority",
            "compare places in one year: keep it with --only, and leave --year out",
        )
    if not one_year:
        spread = spread - spread.groupby(level="year").transform("mean")
    step = _round(float(spread.std()))
    middle = _near(float(np.median(column.dropna())), step)
    dose = f"a {'cross-section with a dose' if one_year else 'dose'}: {len(values):,} values from {values[0]:g} to {values[-1]:g}"
    about = f"; {step:g} is about what it moves by {'between' if one_year else 'within'} authorities (one standard deviation)"
    return Contrast(words=dose + about, control=middle, treated=middle + step)


def _of_two_values(wide: pd.DataFrame, values: np.ndarray[Any, Any], treatment: str) -> str:
    """Who takes it up, and whether they keep it."""
    on = wide.eq(values[1]).where(wide.notna())
    kept = bool((on.astype(float).ffill(axis=1).diff(axis=1).iloc[:, 1:].fillna(0) >= 0).all(axis=None))
    ever, always = on.eq(True).any(axis=1), on.fillna(True).astype(bool).all(axis=1)
    never, begins = int((~ever).sum()), int((ever & ~always).sum())
    if not kept:
        return f"on and off: {count(int(ever.sum()), 'authority', 'authorities')} ever have it, and some lose it again"
    if not begins:
        raise refusal(
            ConfigError,
            f"the treatment {treatment!r}",
            "a change within authorities, since a panel compares each with itself",
            "none: it does not change within any authority",
            "compare places in one year",
        )
    throughout = f", {int(always.sum())} have it throughout" if always.any() else ""
    return f"taken up and kept: {count(begins, 'authority begins', 'authorities begin')}, {never} never do{throughout}"


def _round(value: float) -> float:
    """To one significant digit."""
    if not value or not math.isfinite(value):
        return 1.0
    digits = -math.floor(math.log10(abs(value)))
    return float(round(value, digits)) or value


def _near(value: float, step: float) -> float:
    """To a whole number of steps."""
    return float(f"{round(value / step) * step:.12g}")


# ---------------------------------------------------------------- what is written
class _Study:
    """The files of one study."""

    def __init__(
        self, given: argparse.Namespace, template: Mapping[str, Any], panel: Panel | None, knobs: Mapping[str, Any],
        treatment: str, outcome: str, confounders: Mapping[str, str],
    ) -> None:  # fmt: skip
        self.given, self.template, self.panel, self.knobs = given, template, panel, dict(knobs)
        self.treatment, self.outcome, self.confounders = _identifier(treatment), _identifier(outcome), dict(confounders)
        self.columns = {self.treatment: treatment, self.outcome: outcome, **self.confounders}
        self.instruments = _instruments(given.instrument, self.columns)
        self.columns |= self.instruments
        self.lag = int(given.lag if given.lag is not None else template.get("lag", 0))
        self.contrast = self._contrast(treatment)
        self.size, self.because, self.ways = self._smallest(outcome)
        self.graph = self._graph()
        self.proposed = self._proposed()

    def _contrast(self, treatment: str) -> Contrast:
        own = contrast_of(self.panel, treatment) if self.panel is not None else None
        if not self.template:
            return own or Contrast(words="not looked at yet", control=0.0, treated=1.0)
        theirs = Contrast(words=own.words if own else "not looked at yet", control=float(self.template["control"]), treated=float(self.template["treated"]))
        if own is None or self.panel is None or set(np.unique(self.panel.frame[treatment].dropna())) == {theirs.control, theirs.treated}:
            return theirs
        return own  # other levels than the template's

    def _proposed(self) -> tuple[Proposed, ...]:
        """Estimators, the one to take first: a template's own where it can answer, then what suits the design."""
        theirs = tuple(Proposed(estimator=name, target=self.template["target"], reason="template") for name in self.template.get("estimators", ()))
        if self.instruments and self.panel is None:
            theirs = ()
        if self.panel is None:
            return theirs or (Proposed(estimator="two_stage_least_squares" if self.instruments else "fixed_effects", target="ATE", reason="default"),)
        try:
            made = self._design()
        except CausalError:  # said in full by `explain`, which is run on the files
            made = None
        if made is None:
            return theirs or (Proposed(estimator="fixed_effects", target="ATE", reason="default"),)
        suits = proposal(made, FixedEffects()).proposed
        if self.instruments:
            return suits
        able = [one for one in theirs if not unmet_requirements(shelf()[one.estimator](), replace(made, question=replace(made.question, target=one.target)))]
        same = bool(able) and able[0].estimator == theirs[0].estimator
        return tuple(able) if same else suits or tuple(able) or (Proposed(estimator="fixed_effects", target="ATE", reason="default"),)

    def _design(self) -> Design | None:
        """The rows of the question under the graph; where the graph does not identify it, those that hold places and years fixed."""
        assert self.panel is not None
        called = {column: name for name, column in self.columns.items()}
        names = [called.get(one.name, one.name) for one in self.panel.variables]
        panel = replace(
            self.panel,
            frame=self.panel.frame.rename(columns=called),
            variables=tuple(replace(one, name=name) for one, name in zip(self.panel.variables, names, strict=True)),
            population=called.get(self.panel.population, self.panel.population) if self.panel.population else self.panel.population,
        )
        graph = Graph(name=self.given.called, **self.graph)
        question = Question(
            treatment=self.treatment, outcome=self.outcome, control=self.contrast.control, treated=self.contrast.treated,
            lag=self.lag, smallest_important=self.size, because=self.because,
        )  # fmt: skip
        by = shelf()["two_stage_least_squares"]() if self.instruments else None
        made = analyse(panel, question, graph, estimator=by).design
        if made is None and not self.instruments:
            made = analyse(panel, question, graph, adjust_for=[name for name in HELD if name in self.graph["nodes"]]).design
        return made

    def _smallest(self, outcome: str) -> tuple[float, str, list[str]]:
        """δ, its reason and three ways to choose one, worked with the table's own numbers."""
        ways = [f"{way}: {text}" for way, text in self.template.get("smallest_important", {}).items()]
        size = 1.0
        if self.panel is not None:
            column = self.panel.frame[outcome].dropna()
            within = column - column.groupby(level="authority").transform("mean") if len(self.panel.years) > 1 else column - column.mean()
            mean, spread = float(column.mean()), float(within.std())
            size = _round(abs(mean) / 10) if abs(mean) > spread / 10 else _round(spread / 5)
            ways = ways or [
                f"money: what the treatment costs or saves a place in a year ÷ what one unit of {outcome} costs; at £200,000 and £10,000 that is 20 of them",
                f"policy: a stated aim in these units; the mean is {mean:.4g}, so that a tenth is {_round(abs(mean) / 10):g}",
            ]
            ways.append(
                f"in this table: the mean is {mean:.4g}, a tenth of it {abs(mean) / 10:.2g}; "
                f"the standard deviation within places {spread:.3g}, a fifth of it {spread / 5:.2g}"
            )
        if self.given.smallest_important is not None:
            return float(self.given.smallest_important), self.given.because or "say here why a change of this size would matter", ways
        return size, self.given.because or UNSAID, ways

    def _graph(self) -> dict[str, Any]:
        """Nodes and arrows; with an instrument, what nobody recorded moves treatment and outcome too."""
        made = self._graph_of_columns() if not self.template else self._graph_of_template(self.panel is None or len(self.panel.years) > 1)
        if not self.instruments:
            return made
        nodes, arrows = made["nodes"], made["arrows"]
        nodes |= {name: {"label": self._label(name)} for name in self.instruments}
        nodes[UNRECORDED] = {"label": "what nobody recorded and moves both", "measured": False}
        arrows[UNRECORDED] = {self.treatment: "why an instrument is wanted: say what it may be", self.outcome: "say how"}
        for name in self.instruments:
            why = f"say why {{cause}} moves {name}, or take this arrow out if it cannot"
            for cause in (*(fixed_node for fixed_node in HELD if fixed_node in nodes), *self.confounders):
                arrows.setdefault(cause, {})[name] = why.format(cause=cause)
            arrows[name] = {self.treatment: f"say why {name} moves {self.treatment}, and nothing else that moves {self.outcome}"}
        return made

    def _graph_of_columns(self) -> dict[str, Any]:
        """Places and years move all; the confounders move both."""
        several = self.panel is None or len(self.panel.years) > 1
        nodes: dict[str, Any] = {}
        names = [*self.confounders, self.treatment, self.outcome]
        arrows: dict[str, dict[str, Any]] = {}
        if several:
            nodes = {name: {"label": label, "varies": varies} for name, (label, varies) in HELD.items()}
            arrows["authority"] = dict.fromkeys(names, "places differ lastingly: say how")
            arrows["year"] = dict.fromkeys(names, "the whole country changed: say what")
        nodes |= {name: {"label": self._label(name)} for name in names}
        for name in self.confounders:
            arrows[name] = {self.treatment: f"say why {name} moves {self.treatment}", self.outcome: f"say why {name} moves {self.outcome}"}
        arrows[self.treatment] = {self.outcome: "the question"}
        return {"nodes": nodes, "arrows": arrows}

    def _graph_of_template(self, several: bool) -> dict[str, Any]:
        one = self.template
        called = {one["treatment"]["node"]: self.treatment, one["outcome"]["node"]: self.outcome}
        without = {node for node in one["nodes"] if self.panel is not None and node not in (*called, *self.confounders) and node not in self.panel.names}
        nodes = {
            name: {"label": label, "varies": varies} for name, (label, varies) in HELD.items() if several and (name == "year" or not one.get("cross_section"))
        }
        nodes |= {called.get(node, node): {**dict(said), **({"measured": False} if node in without else {})} for node, said in one["nodes"].items()}
        nodes |= {name: {"label": self._label(name)} for name in self.confounders if name not in nodes}
        arrows: dict[str, dict[str, Any]] = {
            called.get(cause, cause): {called.get(effect, effect): why for effect, why in effects.items()}
            for cause, effects in one["arrows"].items()
            if cause not in HELD or cause in nodes
        }
        if several and one.get("cross_section"):
            arrows = {"year": {name: "the whole country changed: say what" for name in nodes if name != "year"}, **arrows}
        for name in self.confounders:
            if name not in one["nodes"]:
                arrows[name] = {self.treatment: f"say why {name} moves {self.treatment}", self.outcome: f"say why {name} moves {self.outcome}"}
                for fixed_node in HELD:
                    if fixed_node in arrows:
                        arrows[fixed_node][name] = "say how"
        self.without = sorted(without)
        return {"nodes": nodes, "arrows": arrows}

    def _label(self, name: str) -> str:
        column = self.columns[name]
        return self.panel.variable(column).label if self.panel is not None and column in self.panel.names else column.replace("_", " ")

    def summary(self) -> str:
        """What was found and proposed, in a few lines."""
        one = self.proposed[0]
        lines = [f"{self.treatment}: {self.contrast.words}", f"proposed: {one.estimator} ({one.target}); {self._why(one)}"]
        for node in getattr(self, "without", ()):
            what = self.template.get("measure", {}).get(node, "")
            lines.append(f"no column for {node}{f' ({what})' if what else ''}: give  --confounders {node}=COLUMN, or take it out of the graph with your reason")
        lines += self._a_rate()
        lines.append(f"smallest effect that matters: {self.size:g}; {self.because}")
        return "\n".join(lines)

    def _why(self, one: Proposed) -> str:
        if one.reason == "template":
            return f"what suits {self.template['title'][0].lower()}{self.template['title'][1:]}"
        return REASONS[one.reason]

    def _a_rate(self) -> list[str]:
        """Where the outcome counts and another column counts the people: a rate, or the count with the people as exposure."""
        outcome = self.columns[self.outcome]
        if self.panel is None or outcome in (self.knobs.get("derived") or {}):
            return []
        column = self.panel.frame[outcome].dropna()
        if (column < 0).any() or (column % 1 != 0).any() or column.max() < FEW_KINDS:
            return []
        people = []
        for name in self.panel.names:
            both = self.panel.frame[[outcome, name]].dropna() if name != outcome and PEOPLE.search(name) else pd.DataFrame()
            if len(both) and bool((both[name] >= both[outcome]).all()):
                people.append(name)
        if not people:
            return []
        rate = f"{{{self.outcome}_rate: {{per: {outcome}, count: {people[0]}, times: 10000}}}}"
        return [
            f"{outcome} counts, and {people[0]} seems to count the people: places of unequal size are compared by a rate, "
            f"--derived '{rate}' --outcome {self.outcome}_rate, or by  estimator=poisson_fixed_effects source.population={people[0]}"
        ]

    def write(self) -> list[Path]:
        """Write graph and experiment; nothing is written over."""
        files = {group: Path(self.given.to) / group / f"{self.given.called}.yaml" for group in ("graph", "experiment")}
        if there := [str(path) for path in files.values() if path.exists()]:
            raise refusal(
                ConfigError,
                listed(there),
                "new files, since nothing is written over",
                f"{'one' if len(there) == 1 else 'ones'} that {'is' if len(there) == 1 else 'are'} there already",
                "name another study with --called",
            )
        for group, text in (("graph", self._graph_text()), ("experiment", self._experiment_text())):
            try:
                files[group].parent.mkdir(parents=True, exist_ok=True)
                files[group].write_text(text, encoding="utf-8")
            except OSError as problem:
                raise refusal(
                    CausalError,
                    f"{files[group]}",
                    "a place to write to",
                    f"one that cannot be written to ({problem.strerror})",
                    "name another with --config-dir",
                ) from problem
        return list(files.values())

    def _graph_text(self) -> str:
        """The graph, with what a reader must decide as comments."""
        one, title = self.template, self.given.called
        lines = [f"# What moves what, for {title}: {self.treatment} and {self.outcome}. Each arrow gives its reason; change and add to them."]
        if one:
            lines += _comment(f"{one['title']}. {one['when']}")
            lines += _comment("Natural negative controls: " + "; ".join(one["negative_controls"]) + ".")
            for name, what in {self.treatment: one["treatment"]["measure"], self.outcome: one["outcome"]["measure"], **one["measure"]}.items():
                lines += _comment(f"{name}: {what}")
        lines += ["_target_: causal.graph.Graph", f"name: {title}", "nodes:"]
        lines += [f"  {name}: {_flow(said)}" for name, said in self.graph["nodes"].items()]
        lines += ["arrows:"]
        for cause, effects in self.graph["arrows"].items():
            lines += [f"  {cause}:", *(f"    {effect}: {_flow(why)}" for effect, why in effects.items())]
        unused = [name for name in (self.panel.names if self.panel is not None else ()) if name not in self.columns.values()]
        if unused:
            shown = ", ".join(unused[:12]) + (", …" if len(unused) > 12 else "")
            lines += _comment(
                f"What else moves both {self.treatment} and {self.outcome}? Of columns there is {shown}. "
                "A cause of both is added like this, with a line under nodes too:"
            )
            first = _identifier(unused[0])
            lines += [f"#   {first}:", f"#     {self.treatment}: why it moves {self.treatment}", f"#     {self.outcome}: why it moves {self.outcome}"]
            lines += _comment(
                "What the treatment itself moves is no cause of both, and must not be held fixed. "
                "A cause that nobody recorded stands under nodes as  NAME: {measured: false}."
            )
        return "\n".join(lines) + "\n"

    def _experiment_text(self) -> str:
        """The experiment, every line with what it is for."""
        shape, one, chosen = self.contrast, self.template, self.proposed[0]
        title = one.get("title") or f"{self._label(self.treatment)} and {self._label(self.outcome)}"
        # a sentence with numbers is made of the question's own, whatever these are changed to; a template's holds for its own numbers alone
        own = not one.get("action") or (shape.control, shape.treated) != (float(one["control"]), float(one["treated"]))
        action = None if own else one["action"]
        lines = ["# @package _global_", f"# {title}. Run it:  causal run --config-dir {self.given.to} experiment={self.given.called}", "defaults:"]
        lines += [f"  - override /graph: {self.given.called}", "  - override /source: table"]
        lines += _comment(f"{chosen.estimator}: {self._why(chosen)}", indent="  # ")
        if others := self.proposed[1:]:
            lines += ["  # others that suit; one that answers for another target is asked with  question.target=… too:"]
            lines += [line for other in others for line in _comment(f"{other.estimator} ({other.target}): {self._why(other)}", indent="  # · ")]
        lines += [f"  - override /estimator: {chosen.estimator}"]
        lines += [
            "",
            f"title: {_flow(title)}",
            f"action: {_flow(action)}   # the contrast as the start of a sentence; null: made of control and treated",
            "source:",
        ]
        path: Any = [str(one) for one in self.given.path]
        lines += [f"  path: {_flow(path[0] if len(path) == 1 else path) if path else '???'}"]
        variables = {name: {"column": column} for name, column in self.columns.items() if name != column}
        given_variables = self.knobs.get("variables", {})
        variables = {**given_variables, **{name: {**given_variables.get(name, {}), **said} for name, said in variables.items()}}
        knobs = {**self.knobs, **({"variables": variables} if variables else {})}
        lines += [f"  {knob}: {_flow(value)}" for knob, value in knobs.items()]
        lines += ["question:", f"  treatment: {self.treatment}", f"  outcome: {self.outcome}"]
        lines += [f"  control: {shape.control:g}   # the two levels compared, in the treatment's unit ({shape.words})", f"  treated: {shape.treated:g}"]
        lines += [f"  lag: {self.lag}   # years from treatment to outcome"]
        lines += [f"  target: {chosen.target}   # {'the effect on those that have it' if chosen.target == 'ATT' else 'the effect on all'}"]
        lines += (
            [f"  harm: {self.given.harm}   # which direction of the outcome is bad"]
            if self.given.harm
            else ["  # harm: increase   # which direction of the outcome is bad"]
        )
        lines += ["  # the smallest effect that would matter, and why: an answer is read against it. Three ways to choose it:"]
        lines += [line for way in self.ways for line in _comment(way, indent="  # · ")]
        lines += [f"  smallest_important: {self.size:g}", f"  because: {_flow(self.because)}"]
        return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    """A value as YAML in one line."""
    if isinstance(value, str) and _risky(value):
        return json.dumps(value, ensure_ascii=False)
    return yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000, allow_unicode=True).strip().removesuffix("\n...").strip()


def _risky(text: str) -> bool:
    """Whether a text would not be read back as the same text bare."""
    try:
        return bool(yaml.safe_load(f"a: {text}") != {"a": text})
    except yaml.YAMLError:
        return True


def _comment(text: str, indent: str = "# ") -> list[str]:
    blank = indent.replace("·", " ")
    return textwrap.wrap(text, width=150, initial_indent=indent, subsequent_indent=blank, break_long_words=False)
