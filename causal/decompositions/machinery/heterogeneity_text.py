"""What heterogeneity found, as tables, figures and words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from causal.breakdown import Breakdown, Case, Column, Figure, Other, Setting, Table, others_said
from causal.decompositions.machinery.budget import Value
from causal.decompositions.machinery.groups import Named
from causal.decompositions.machinery.held_out import HeldOut, Targeting
from causal.design import Design
from causal.errors import ConfigError
from causal.estimate import Part
from causal.words import count, listed, places, rounded, signed, span

WORDS = {"tree": "a shallow tree", "line": "a straight line in what is known of authorities"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Learnt:
    """What learners and rules are worth in authorities held out, and how it was tried: the sum a year, folds and how often they were drawn; empty where
    there are too few authorities.
    """

    amount: float
    folds: int
    splits: int
    tests: tuple[HeldOut, ...] = ()
    adjusted: tuple[float, ...] = ()
    curve: Targeting | None = None
    values: tuple[Value, ...] = ()
    values_adjusted: tuple[float, ...] = ()
    tree: tuple[str, ...] = ()
    authorities: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Differing:
    """What was found of differences, decided once: headline, captions and lists all take it from here.

    Parameters
    ----------
    held_out : what held in authorities held out, adjusted p below the level and an interval that leaves out 0; the surest, with its p.
    groupings : named groupings whose groups differ, by an adjusted p below the level.
    tried : whether any authorities were held out.
    rule : the rule for a sum that does better than spending it evenly, by the same two conditions; None where none does.
    """

    held_out: tuple[HeldOut, float] | None
    groupings: tuple[str, ...]
    tried: bool
    rule: Value | None

    @property
    def said(self) -> str:
        """Of the groupings, with what was held out where the two do not say the same."""
        if self.groupings:
            beside = "" if self.held_out or not self.tried else ", which authorities that were held out do not bear out"
            return f"Groups by {listed(list(self.groupings))} differ by more than chance gives{beside}"
        beside = "; what was predicted from all that is known of authorities together did hold in those held out" if self.held_out else ""
        return f"In no single grouping do they differ by more than chance may give{beside}"


def differing(tests: Sequence[Named], learnt: Learnt, alarm: float) -> Differing:
    """Decide what differs.

    Parameters
    ----------
    tests : of named groupings.
    learnt : in authorities held out.
    alarm : the level of the tests.
    """
    holding = [(one, p) for one, p in zip(learnt.tests, learnt.adjusted, strict=True) if p < alarm and not one.lower <= 0 <= one.upper]
    better = [(one, p) for one, p in zip(learnt.values, learnt.values_adjusted, strict=True) if p < alarm and not one.lower <= 0 <= one.upper]
    return Differing(
        held_out=min(holding, key=lambda pair: pair[1]) if holding else None,
        groupings=tuple(one.of for one in tests if one.adjusted is not None and one.adjusted < alarm),
        tried=bool(learnt.tests),
        rule=min(better, key=lambda pair: pair[1])[0] if better else None,
    )


def rate_of(case: Case) -> float | None:
    """How many people the outcome is counted in, where it is a rate."""
    return case.panel.variable(case.question.outcome).count_per


def breakdown(
    case: Case, made: Design, parts: Sequence[Part], tests: Sequence[Named], learnt: Learnt, notes: Sequence[str], others: Sequence[Other] = ()
) -> Breakdown:
    """Numbers into tables and words.

    Parameters
    ----------
    case, made : what was asked, and its design.
    parts, tests : effects by group, and whether they differ.
    learnt : what was found in held-out authorities.
    notes : what was left out on the way.
    others : found something of what is not counted.
    """
    question, outcome = case.question, made.outcome_variable
    alarm = 1 - question.level
    unit = outcome.unit
    found = differing(tests, learnt, alarm)
    digits = places(max((abs(one) for part in parts for one in (part.effect, part.lower, part.upper) if one is not None), default=1.0))
    said = [_named(one, parts, digits, alarm) for one in tests]
    second = ""
    if found.held_out:
        best, p = found.held_out
        headline = f"The effect on {outcome.label} is not the same everywhere."
        second = f"In authorities that were held out it was {_reach(best, unit)} where it had been predicted one standard deviation higher (p {p:.3f})."
    elif found.tried:
        headline = f"No clear difference between groups of authorities in the effect on {outcome.label}."
        second = "None that was predicted held in authorities that were held out."
        if found.groupings:
            by = listed(list(found.groupings))
            second += f" Groups by {by} do differ when all authorities are looked at together, which the held-out ones do not bear out."
    elif found.groupings:
        headline = f"Groups by {listed(list(found.groupings))} differ in the effect on {outcome.label}, but no authorities were held out to bear it out."
    else:
        headline = f"No clear difference between groups of authorities in the effect on {outcome.label}."
    said += [_held(one, p, unit) for one, p in zip(learnt.tests, learnt.adjusted, strict=True)]
    rate = rate_of(case)
    if learnt.values and rate is not None:
        second = f"{second} {_budget(case, learnt, found.rule, outcome.label, rate)}".strip()
        said += [_valued(learnt.amount, one, p, outcome.label, rate) for one, p in zip(learnt.values, learnt.values_adjusted, strict=True)]
        if found.rule and learnt.tree:
            said.append(f"The tree grown from all authorities chooses: {'; '.join(learnt.tree)}")
    if made.treatment_variable.caution:
        said.append(f"Beware: {made.treatment_variable.caution}")
    tables = [_parts_table(parts, unit, digits), *([_tests_table(tests)] if tests else [])]
    figures = [_parts_figure(case, found)]
    if learnt.curve is not None:
        tables += [_learnt_table(learnt, unit), *_curve_tables(learnt.curve, unit)]
        figures.append(_curve_figure(learnt, found, unit))
    if learnt.values and rate is not None:
        tables.append(_values_table(learnt, outcome.label, rate))
        figures.append(_values_figure(learnt, found, outcome.label))
    return Breakdown(
        name="heterogeneity",
        title=f"Is the effect on {outcome.label} the same everywhere?",
        asks=f"{case.action}: is its effect on {outcome.label} the same in all authorities, and where would {_money(learnt.amount)} a year do most?",
        headline=headline,
        second=second,
        others=others_said(others),
        choices=(
            Setting(name="Sum to spend", value=f"{_money(learnt.amount)} a year"),
            Setting(name="Authorities held out", value=f"{learnt.folds} folds of whole authorities, drawn {count(learnt.splits, 'time')}"),
            Setting(name="Intervals", value=f"{question.level:.0%}"),
        ),
        tables=tuple(tables),
        figures=tuple(figures),
        said=tuple(said),
        reasons=(
            *made.words,
            f"{count(made.rows, 'authority-year')} of {count(len(made.authorities), 'authority', 'authorities')}; every group has years of "
            "its own, so that groups whose "
            "outcome merely drifts apart do not seem to differ in effect",
            "Errors are clustered by authority; thin bands hold for all groups of one kind at once; tests over groupings, over learners "
            "and over rules are each adjusted "
            "together (Holm)",
            "Effects were learnt as a straight line and by a forest (EconML, one row an authority) and tried in authorities held out, "
            f"{learnt.folds} folds in sequence, "
            f"{count(learnt.splits, 'split')}; of p-values twice the median over splits counts",
            "No interval of a forest is used: they do not know that the rows of an authority hang together",
        ),
        cannot_say=(
            "Not finding a difference is not finding that there is none: how large a difference would have been found stands beside each test",
            "Groups are compared as they are: an effect that is larger in deprived authorities need not be larger because of deprivation",
            "Nothing here is firmer than the study's own answer; its checks are run by  causal run",
            *(
                (
                    "A rule for a sum counts the one outcome only, in a straight line in money per person; it says nothing of families' other "
                    "gains and losses, and "
                    "not that the money would be spent as before",
                )
                if learnt.values
                else ()
            ),
        ),
        notes=tuple(notes),
        truth=_truth(case, parts, made),
    )


def _reach(one: HeldOut, unit: str) -> str:
    digits = places(max(abs(one.lower), abs(one.upper), 1e-9))
    return f"{signed(one.effect, digits)} {unit} ({span(one.lower, one.upper, digits)})" if one.found else "predicted to be the same everywhere"


def _named(one: Named, parts: Sequence[Part], digits: int, alarm: float) -> str:
    mine = [part for part in parts if part.of == one.of]
    low, high = min(mine, key=lambda part: part.effect), max(mine, key=lambda part: part.effect)
    begin = f"By {one.of}: from {signed(low.effect, digits)} ({low.name}) to {signed(high.effect, digits)} ({high.name})"
    if one.adjusted is None:
        return f"{begin}; whether they differ cannot be tested with so few authorities to a group"
    if one.adjusted < alarm:
        return f"{begin}; they differ by more than chance gives (p {one.p_value:.3f}, adjusted {one.adjusted:.3f})"
    return f"{begin}; chance alone may give that (p {one.p_value:.2f}, adjusted {one.adjusted:.2f})"


def _held(one: HeldOut, adjusted: float, unit: str) -> str:
    what = "A straight line in what was known at the start" if one.learner == "linear" else "A forest"
    if not one.found:
        return f"{what} predicted the same effect everywhere in every split"
    decimals = places(one.std_error)
    return (
        f"{what}: held out, {_reach(one, unit)} for each standard deviation of its predictions (p {adjusted:.2f}, adjusted); a "
        f"difference of {2.8 * one.std_error:.{decimals}f} "
        "would be found four times in five"
    )


def _money(amount: float) -> str:
    return f"£{amount / 1e6:g}m" if amount >= 1e6 else f"£{amount:,.0f}"


def _counted(amount: float, one: float, rate: float) -> float:
    """Effect of one unit of money per person → people that the sum does good to."""
    return one * amount / rate


def _budget(case: Case, learnt: Learnt, best: Value | None, label: str, rate: float) -> str:
    """The sum: what is so by definition, what is estimated with its range and certainty, and what is not counted."""
    money = _money(learnt.amount)
    shown = best or min(zip(learnt.values, learnt.values_adjusted, strict=True), key=lambda pair: pair[1])[0]
    gain, lower, upper = (_counted(learnt.amount, one, rate) for one in (shown.gain, shown.lower, shown.upper))
    middle, low, high = rounded(gain, lower, upper)
    reach = f"{signed(*middle)} {label} to the good ({signed(*low)} to {signed(*high)})"
    found = (
        f"spending it where {WORDS[shown.rule]} says rather than evenly would do better by {reach}, in authorities that the rule was not made from"
        if best
        else f"where it would do most is open: the best of {count(len(learnt.values), 'rule')} gains {reach} over spending it evenly"
    )
    return (
        f"Of {money} a year, that it is spent is so by definition; {found}. Certainty: at most that of the study's own answer, {case.judged().words}. "
        "Not counted: schooling, health, crime and the child."
    )


def _valued(amount: float, one: Value, p: float, label: str, rate: float) -> str:
    chosen, even, gain, lower, upper = (_counted(amount, number, rate) for number in (one.chosen, one.even, one.gain, one.lower, one.upper))
    shown, low, high = rounded(gain, lower, upper)
    digits = shown[1]
    return (
        f"Spending {_money(amount)} by {WORDS[one.rule]} ({one.share:.0%} of people chosen): {signed(chosen, digits)} {label} to the good, spread evenly "
        f"{signed(even, digits)}; the gain, which is what spending evenly forgoes, is {signed(*shown)} "
        f"({signed(*low)} to {signed(*high)}; p {p:.2f}, adjusted)"
    )


def _parts_table(parts: Sequence[Part], unit: str, digits: int) -> Table:
    numbers = ("effect", "std_error", "lower", "upper", "joint_lower", "joint_upper")
    labels = ("effect", "standard error", "lower", "upper", "lower, all groups at once", "upper, all groups at once")
    return Table(
        name="groups",
        caption="Effect by group, each group compared within years of its own",
        columns=(
            Column(name="grouping", label="by", text=True),
            Column(name="group", label="group", text=True),
            *(Column(name=name, label=label, unit=unit, places=digits) for name, label in zip(numbers, labels, strict=True)),
            Column(name="authorities", label="authorities", places=0),
            Column(name="rows", label="authority-years", places=0),
        ),
        rows=tuple((part.of, part.name, *(getattr(part, name) for name in numbers), part.authorities, part.rows) for part in parts),
    )


def _parts_figure(case: Case, differing: Differing) -> Figure:
    found = differing.said
    caption = f"Effect by group. {case.action}: lines are {case.question.level:.0%} intervals of each group alone. {found}."
    return Figure(
        name="groups", kind="intervals", table="groups", alt=f"Intervals of the effect by group. {found}.", caption=caption, values=("effect",),
        lower="lower", upper="upper", label="group", group="grouping",
    )  # fmt: skip


def _tests_table(tests: Sequence[Named]) -> Table:
    return Table(
        name="tests",
        caption="Do named groups differ? Clustered tests, all authorities together",
        columns=(
            Column(name="grouping", label="by", text=True),
            Column(name="groups", label="groups", places=0),
            Column(name="f", label="F", places=2),
            Column(name="df", label="degrees of freedom", places=1),
            Column(name="p_value", label="p", places=3),
            Column(name="adjusted", label="p, adjusted for all groupings", places=3),
        ),
        rows=tuple((one.of, one.groups, one.f, one.df, one.p_value, one.adjusted) for one in tests),
    )


def _learnt_table(learnt: Learnt, unit: str) -> Table:
    digits = places(max(abs(one.upper - one.lower) for one in learnt.tests) or 1.0)
    return Table(
        name="held_out",
        caption=f"Do predicted differences hold in authorities held out? Effect for each standard deviation of the prediction, {unit}",
        columns=(
            Column(name="learner", label="learnt by", text=True),
            *(
                Column(name=name, label=label, places=digits)
                for name, label in (("effect", "effect"), ("std_error", "standard error"), ("lower", "lower"), ("upper", "upper"))
            ),
            Column(name="detectable", label="found four times in five", places=digits),
            Column(name="p_value", label="p, one-sided", places=3),
            Column(name="adjusted", label="p, adjusted", places=3),
            Column(name="splits", label="splits with a prediction that varied", places=0),
        ),
        rows=tuple(
            (one.learner, one.effect, one.std_error, one.lower, one.upper, 2.8 * one.std_error, one.p_value, p, one.found)
            for one, p in zip(learnt.tests, learnt.adjusted, strict=True)
        ),
    )


def _curve_tables(curve: Targeting, unit: str) -> tuple[Table, Table]:
    digits = places(max(abs(one) for one in (*curve.effects, *curve.thirds)) or 1.0)
    ends = tuple(Column(name=name, label=name, places=digits) for name in ("effect", "lower", "upper"))
    thirds = zip(("predicted lowest", "middle", "predicted highest"), curve.thirds, curve.thirds_lower, curve.thirds_upper, strict=True)
    return (
        Table(
            name="targeting",
            caption=f"Effect in the authorities predicted highest, held out, less the effect in all, {unit}",
            columns=(Column(name="share", label="share taken, highest predictions first", places=1), *ends),
            rows=tuple(zip(curve.shares, curve.effects, curve.lower, curve.upper, strict=True)),
        ),
        Table(
            name="thirds",
            caption=f"Effect by predicted third, held out, and the area under the targeting curve (RATE), {unit}",
            columns=(Column(name="what", label="what", text=True), *ends),
            rows=(*thirds, ("area under the targeting curve", curve.area, curve.area_lower, curve.area_upper)),
        ),
    )


def _curve_figure(learnt: Learnt, differing: Differing, unit: str) -> Figure:
    assert learnt.curve is not None
    curve = learnt.curve
    digits = places(max(abs(curve.area_lower), abs(curve.area_upper), 1e-9))
    found = f"The area under the curve is {signed(curve.area, digits)} ({span(curve.area_lower, curve.area_upper, digits)})" + (
        "; the tests say that predictions hold." if differing.held_out else "; the tests do not tell the predictions from chance."
    )
    return Figure(
        name="targeting",
        kind="curve",
        table="targeting",
        alt=f"Effect in the authorities predicted highest less the effect in all, by the share of authorities taken. {found}",
        caption=f"Targeting curve. Were predictions worth nothing, the line would lie at zero. {found}",
        values=("share", "effect"),
        lower="lower",
        upper="upper",
        axes=("share of authorities taken, highest predictions first", f"effect less the effect in all, {unit}"),
    )


def _values_table(learnt: Learnt, label: str, rate: float) -> Table:
    numbers = [[_counted(learnt.amount, one, rate) for one in (v.chosen, v.even, v.gain, v.lower, v.upper)] for v in learnt.values]
    digits = places(max(abs(one) for row in numbers for one in row) or 1.0)
    heads = (("chosen", "spent by the rule"), ("even", "spent evenly"), ("gain", "gain over spending evenly"), ("lower", "lower"), ("upper", "upper"))
    return Table(
        name="rules",
        caption=f"What {_money(learnt.amount)} a year would do to {label}, good counted above zero; rules valued in authorities that they were not made from; "
        "medians over splits, which need not add up",
        columns=(
            Column(name="rule", label="rule", text=True),
            Column(name="share", label="share of people chosen", places=2),
            *(Column(name=name, label=words, places=digits) for name, words in heads),
            Column(name="p_value", label="p, one-sided", places=3),
            Column(name="adjusted", label="p, adjusted", places=3),
        ),
        rows=tuple((WORDS[one.rule], one.share, *row, one.p_value, p) for one, row, p in zip(learnt.values, numbers, learnt.values_adjusted, strict=True)),
    )


def _values_figure(learnt: Learnt, differing: Differing, label: str) -> Figure:
    better = differing.rule is not None
    found = "A rule does better than spending evenly." if better else "No rule is clearly better than spending evenly."
    return Figure(
        name="rules",
        kind="intervals",
        table="rules",
        alt=f"Gain of each rule over spending {_money(learnt.amount)} evenly, with intervals. {found}",
        caption=f"Gain over spending {_money(learnt.amount)} evenly, held out. {found}",
        values=("gain",),
        lower="lower",
        upper="upper",
        label="rule",
        axes=(f"{label} fewer or more, good counted above zero",),
    )


def _truth(case: Case, parts: Sequence[Part], made: Design) -> Table | None:
    """What a simulated source planted by fifth of deprivation, beside what was found."""
    planted = getattr(case.source, "truth", None)
    by = next((one for one in made.modifiers if one.name == "deprivation"), None)
    if planted is None or by is None or len(by.groups) != 5:
        return None
    try:
        known = planted(case.question).by_fifth
    except ConfigError:
        return None
    found = {part.name: part for part in parts if part.of == by.label}
    digits = places(max(abs(one) for one in known) or 1.0)
    return Table(
        name="planted",
        caption="Planted and found by fifth of deprivation (simulated)",
        columns=(
            Column(name="group", label="group", text=True),
            *(Column(name=name, label=name, unit=made.outcome_variable.unit, places=digits) for name in ("planted", "found", "lower", "upper")),
        ),
        rows=tuple(
            (name, known[k], *((found[name].effect, found[name].lower, found[name].upper) if name in found else (None, None, None)))
            for k, name in enumerate(by.groups)
        ),
    )
