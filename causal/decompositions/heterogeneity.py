"""Is the effect the same everywhere, and where would a sum of money do most?

Named groups (fifths of deprivation, of the outcome's first level, of size; regions) each have an effect of their own within years of their own: groups whose
outcome and treatment merely drift apart would otherwise seem to have different effects. Whether groups differ at all is one clustered test for each
grouping, those tests together by Holm (1979). Groups that nobody named are learnt, and count only if they hold in authorities that were left out
(`held_out`). The headline says that groups differ only if such a test says so. `budget` values rules for spending a sum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from causal.arrays import Floats
from causal.breakdown import NOTHING_TO_TAKE_APART, Breakdown, Case, Other
from causal.decompositions.machinery.budget import RULES, Value, grown, picks, tree_text, value
from causal.decompositions.machinery.groups import by_region, features, named_groups, own_years
from causal.decompositions.machinery.held_out import FEWEST, LEARNERS, Slopes, held_out, slopes, targeting
from causal.decompositions.machinery.heterogeneity_text import Learnt, breakdown, rate_of
from causal.decompositions.machinery.money import direction, per_person, price_of
from causal.design import Design
from causal.errors import ConfigError, DesignError, refusal, suggest
from causal.identification import Identification
from causal.inference.multiplicity import holm
from causal.knobs import whole_number
from causal.modifier import Modifier, cut_into_groups
from causal.panel import Panel
from causal.question import Question
from causal.words import count

PER_GROUP = 15  # authorities in a group whose years are conditioned on for the learners


@dataclass(frozen=True, slots=True, kw_only=True)
class Heterogeneity:
    """Effects by group, groups tested in authorities held out, and where a sum would do most.

    Parameters
    ----------
    by : columns as they stood in the first year known, and of "starting_level" (of the outcome), "size" (people) and "region".
    folds : of whole authorities, at least 3. Each learner is tried on folds after those it learnt from.
    splits : how often folds are drawn anew, odd; twice the median p-value is taken.
    trees : of the forest, a multiple of 4.
    prices : treatment → column (or number) with what one unit of it costs for each person; a column counts as in its first year known. A treatment that is
        itself money per person needs none; for any other no budget is asked for.
    spending : whether more of the treatment is more spending ("more") or less ("less": closures); None: as the price's column moves with it.
    amount : the sum to be spent in a year, in the unit of the price.
    share : of people whom the rule in a straight line may choose, between 0 and 1.
    others : treatment → what others found of what is not counted here.
    """

    by: tuple[str, ...] = ("deprivation", "starting_level", "size", "region")
    folds: int = 5
    splits: int = 11
    trees: int = 100
    prices: Mapping[str, str | float] = field(default_factory=dict)
    spending: str | None = None
    amount: float = 1_000_000.0
    share: float = 0.333
    others: Mapping[str, Sequence[Other]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "others", {name: tuple(ones) for name, ones in dict(self.others).items()})
        object.__setattr__(self, "by", tuple(self.by))
        object.__setattr__(self, "prices", dict(self.prices))
        if not self.by or len(set(self.by)) != len(self.by):
            raise refusal(
                ConfigError, "decomposition.by", "at least one grouping, each once", repr(list(self.by)), "write  decomposition.by=[deprivation,region]"
            )
        for key, least in (("folds", 3), ("splits", 1), ("trees", 4)):
            one = getattr(self, key)
            whole_number(key, one, least)
        if self.splits % 2 == 0:
            raise refusal(
                ConfigError,
                "decomposition.splits",
                "an odd number, so that one of them is the middle one",
                f"{self.splits}",
                f"write  decomposition.splits={self.splits + 1}",
            )
        if self.trees % 4:
            raise refusal(ConfigError, "decomposition.trees", "a multiple of 4", f"{self.trees}", f"write  decomposition.trees={self.trees // 4 * 4 + 4}")
        if self.spending not in ("more", "less", None):
            raise refusal(
                ConfigError,
                "decomposition.spending",
                "'more' or 'less' (what more of the treatment means), or null",
                repr(self.spending),
                "write  decomposition.spending=less",
            )
        if not 0 < self.share < 1:
            raise refusal(ConfigError, "decomposition.share", "a number between 0 and 1", repr(self.share), "write  decomposition.share=0.333")
        if not self.amount > 0:
            raise refusal(ConfigError, "decomposition.amount", "a number above 0", repr(self.amount), "write  decomposition.amount=1000000")

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "heterogeneity"

    def decompose(self, case: Case, rng: np.random.Generator) -> Breakdown:
        """Groups, tests, rules.

        Parameters
        ----------
        case : identified and estimable.
        rng : deals authorities into folds, draws the joint critical values of groups.

        Raises
        ------
        DesignError : the effect is not identified or estimable, so that there is nothing to take apart.
        """
        notes: list[str] = []
        columns = self._columns(case.panel, case.question, notes)
        made = _after_the_start(case.panel, arranged(case, tuple(columns)), columns)
        made = replace(
            made, modifiers=tuple(replace(one, label=f"first level of {one.label}") if columns[one.name] == "starting_level" else one for one in made.modifiers)
        )
        groupings = [*made.modifiers, *([by_region(made)] if "region" in self.by and any(made.region) else [])]
        if "region" in self.by and not any(made.region):
            notes.append("Regions are not known in these data")
        if not groupings:
            raise refusal(
                DesignError,
                "decomposition.by",
                "columns of these data",
                f"none of them: {', '.join(self.by)}",
                f"name columns such as {', '.join(case.panel.names[:6])}",
            )
        parts, tests = named_groups(made, groupings, rng)
        learnt = _learn(self, case, made, groupings, rng, notes)
        return breakdown(case, made, parts, tests, learnt, notes, self.others.get(case.question.treatment, ()))

    def _columns(self, panel: Panel, question: Question, notes: list[str]) -> dict[str, str]:
        """Column → what it stands for, of what is asked for and there."""
        out: dict[str, str] = {}
        for name in self.by:
            column = {"starting_level": question.outcome, "size": panel.population}.get(name, name)
            if name == "region":
                continue
            if column is None:
                notes.append("How many people an authority has is not known in these data (source.population), so nothing is said by size")
            elif column not in panel.names:
                notes.append(f"{column} is not in these data and was left out; {suggest(column, panel.names)}")
            else:
                out[column] = name
        return out


def arranged(case: Case, columns: Sequence[str], found: Identification | None = None) -> Design:
    """The study's design with these groupings in the place of the question's own.

    Parameters
    ----------
    case : panel, question and graph.
    columns : names of the groupings.
    found : what the graph says of the case, if it was asked already.

    Raises
    ------
    DesignError : the effect is not identified or not estimable.
    """
    return case.analysis(replace(case.question, modifiers=tuple(columns)), found).must(NOTHING_TO_TAKE_APART)


def _after_the_start(panel: Panel, design: Design, columns: dict[str, str]) -> Design:
    """Without the year from which an outcome's first level was taken: its noise would be on both sides."""
    if "starting_level" not in columns.values():
        return design
    known = panel.frame[design.question.outcome].dropna().reset_index("year")["year"].groupby(level="authority").first()
    first = known.reindex(list(design.authorities)).to_numpy()[design.authority]
    rows = np.flatnonzero(design.year > first)
    if len(np.unique(design.authority[rows])) < len(design.authorities):
        return design
    return design.subset(rows, "the year that the outcome's first level is from")


def _learn(knobs: Heterogeneity, case: Case, design: Design, groupings: Sequence[Modifier], rng: np.random.Generator, notes: list[str]) -> Learnt:
    """Learn, hold out, test; nothing where there are too few authorities, and a note says so."""
    none = Learnt(amount=knobs.amount, folds=knobs.folds, splits=knobs.splits)
    number = len(design.authorities)
    if number < FEWEST or len(design.clusters) < FEWEST:
        notes.append(
            f"{count(number, 'authority', 'authorities')} are too few to hold some out (at least {FEWEST} are wanted): only the named groups were looked at"
        )
        return none
    coarse = [
        cut_into_groups(case.panel, one.name, one.values, design.authority, min(len(one.groups), max(2, number // PER_GROUP))) if one.name != "region" else one
        for one in groupings
        if one.name != "region" or number >= 5 * len(one.groups)
    ]
    apart = own_years(design, coarse)
    basis = apart.basis()
    raw, names = features(design, coarse)
    contrast = np.full(number, 1 / case.question.contrast)
    ready = slopes(apart, basis, raw, names, price=contrast)
    level = case.question.level
    options: dict[str, Any] = {"folds": knobs.folds, "splits": knobs.splits, "level": level, "rng": rng, "trees": knobs.trees}
    tests = tuple(held_out(ready, learner, **options) for learner in LEARNERS)
    adjusted = tuple(float(p) for p in holm([one.p_value for one in tests]) if p is not None)
    best = LEARNERS[int(np.argmin([one.p_value for one in tests]))]
    curve = targeting(ready, best, **options)
    values, tree = _rules(knobs, case, replace(design, modifiers=tuple(coarse)), rng, notes)
    by_rule = tuple(float(p) for p in holm([one.p_value for one in values]) if p is not None)
    return replace(none, tests=tests, adjusted=adjusted, curve=curve, values=values, values_adjusted=by_rule, tree=tree, authorities=number)


def _rules(knobs: Heterogeneity, case: Case, design: Design, rng: np.random.Generator, notes: list[str]) -> tuple[tuple[Value, ...], tuple[str, ...]]:
    """Rules for a sum and their values; none where no price is known."""
    why = ""
    cost = price_of(case.panel, case.question.treatment, knobs.prices)
    price = None if cost is None else per_person(case.panel, cost, design.authorities)
    usable = np.empty(0) if price is None else np.flatnonzero(np.isfinite(price.values) & (price.values > 0))
    if rate_of(case) is None:
        why = "the outcome is not a rate per people"
    elif case.question.harm is None:
        why = "no direction of the outcome is called harm (question.harm)"
    elif price is None:
        why = f"what a unit of {case.question.treatment} costs is not known (decomposition.prices)" if cost is None else f"{cost!r} is not in these data"
    elif len(usable) < FEWEST:
        why = f"a price is known for {len(usable)} authorities, and at least {FEWEST} are wanted"
    if why or price is None or cost is None:
        notes.append(f"Where a sum would do most was not asked: {why}")
        return (), ()
    if without := len(price.values) - len(usable):
        notes.append(f"{count(without, 'authority has', 'authorities have')} no price above 0 and took no part in the rules for a sum")
    ready, raw, names = in_money(case.panel, design.subset(np.flatnonzero(np.isin(design.authority, usable))), cost, spending=knobs.spending)
    good = -1.0 if case.question.harm == "increase" else 1.0
    options: dict[str, Any] = {"good": good, "share": knobs.share, "folds": knobs.folds, "splits": knobs.splits, "rng": rng}
    values = tuple(value(ready, rule, picks(ready, rule, **options), good=good, level=case.question.level) for rule in RULES)
    return values, tuple(tree_text(grown(ready, rng, good=good), raw, names))


def in_money(panel: Panel, design: Design, price: str | float, *, spending: str | None) -> tuple[Slopes, Floats, tuple[str, ...]]:
    """The sums with money per person as treatment, the features as they are, and their names.

    What a unit costs is among what effects may differ by, and its groups have years of their own: where the same share is cut everywhere, money is cut most
    where most was spent, and places that spent much may drift apart from others for other reasons.
    """
    known = per_person(panel, price, design.authorities)
    assert known is not None
    if isinstance(price, str) and np.ptp(known.values) > 0:
        wanted = max((len(one.groups) for one in design.modifiers if one.name != "region"), default=2)
        group = replace(cut_into_groups(panel, price, known.values[design.authority], design.authority, wanted), label=known.label)
        design = replace(design, modifiers=(*design.modifiers, group))
    apart = own_years(design, design.modifiers)
    raw, names = features(design, design.modifiers)
    return slopes(apart, apart.basis(), raw, names, price=known.values * direction(panel, design.question.treatment, price, spending)), raw, names
