"""What the account of a cost says: sentences, tables and figures, from what was drawn.

Three things stand apart: what the action saves or costs, which is so by definition; what later care costs beside it, which is estimated and has a range and a
certainty; and what is not counted, with what others found of it. The certainty is that of the effect on later care against the effect that would use up the
saving, since that is what would change the account.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from causal.arrays import Floats
from causal.breakdown import Breakdown, Case, Column, Figure, Judged, Mark, Other, Setting, Table, others_said
from causal.decompositions.machinery.money import Account, Placement, drawn, price_of
from causal.design import Design
from causal.errors import ConfigError
from causal.estimate import Estimate
from causal.panel import Variable
from causal.words import count, listed, places, rounded, signed, span

PLANE = 400  # draws in the figure of the plane


class Knobs(Protocol):
    """What the text says of how it was asked; `Cost` has them."""

    @property
    def placements(self) -> Mapping[str, Placement]:
        """Kinds of placement, by name."""
        ...

    @property
    def prices(self) -> Mapping[str, str | float]:
        """Treatment → column or number."""
        ...

    @property
    def placed(self) -> str | None:
        """Column whose children cost a year in care each."""
        ...

    @property
    def placed_later(self) -> int:
        """Years from the outcome until they have moved."""
        ...

    @property
    def years(self) -> int:
        """For which the action is kept."""
        ...

    @property
    def most(self) -> float | None:
        """Largest value on the acceptability curve."""
        ...

    @property
    def draws(self) -> int:
        """Of both effects."""
        ...

    @property
    def others(self) -> Mapping[str, Sequence[Other]]:
        """Treatment → what others found of what is not counted here."""
        ...


def cost_text(
    knobs: Knobs, case: Case, made: Design, estimate: Estimate, placed: tuple[Estimate, Design] | None, account: Account, rate: float, rng: np.random.Generator,
    notes: list[str],
) -> Breakdown:  # fmt: skip
    """Draws into tables and words.

    Parameters
    ----------
    knobs : of the decomposition.
    case, made, estimate : what was asked, and the study's own answer.
    placed : the same design's effect on later placements; None where these are not counted.
    account : money and years of the action.
    rate : people that the outcome counts by.
    rng : draws effects, prices and shares together.
    notes : what was left out on the way.
    """
    question, outcome, level = case.question, made.outcome_variable, case.question.level
    effects, together = drawn((estimate, made), placed, knobs.draws, rng)
    care = sum((one.drawn(knobs.draws, rng) for one in knobs.placements.values()), np.zeros(knobs.draws))
    if placed is not None:
        per = placed[1].outcome_variable.count_per or rate
        effects[:, 1] *= rate / per
    added, net = account.totals(effects[:, 0], effects[:, 1], care)
    bad = 1.0 if question.harm == "increase" else -1.0
    saved, spent = account.saved * account.weight(0), -(net - account.saved * account.weight(0))
    people = f"{rate:,.0f} {'children' if case.panel.population == 'children' else 'people'}"
    years = count(knobs.years, "year")
    money = f"£ thousand per {people}"
    known = account.saved > 0
    even = _even(account, care) if placed is not None else None
    certain = None if placed is None else _certainty(knobs, case, even)
    headline = f"By definition {_lower(case.action)} {'saves' if known else 'costs'} {sterling(abs(account.saved))} a year per {people}; " + (
        "what later care costs is not counted." if placed is None else f"{_beside(spent, net, level, known)}."
    )
    seconds = [f"Over {years}, discounted: {sterling(abs(saved))} {'saved' if known else 'spent'} by definition."]
    if certain is not None:
        all_of_it = " Later care that uses up all that is saved does not fit these data." if known and _ends(net, level)[1] > 0 else ""
        seconds.append(f"Estimated: later care {_spent(spent, level)}.{all_of_it} Certainty of that: {certain.words}.")
    seconds.append("Not counted: schooling, health, crime and the child" + ("; what others found of them stands below." if _others(knobs, case) else "."))
    values = np.linspace(0.0, knobs.most or _furthest(bad * added, net, level), 51)
    benefit = net[:, None] - values * bad * added[:, None]
    worth = _Worth(values=values, benefit=benefit)
    said = (*_effects_said(case, made, estimate, placed, account, care, (added, net), people), *_worth_said(one_of(outcome), worth, level, known=known))
    if made.treatment_variable.caution:
        said = (*said, f"Beware: {made.treatment_variable.caution}")
    tables = [
        _sums(saved, spent, net, level, money, years, placed is not None),
        _benefit(values, benefit, level, money, one_of(outcome)),
        _plane(added, net, outcome.label, money),
        *([_unit_costs(knobs)] if placed is not None else []),
    ]
    simulated = _truth(knobs, case, account, added, net, level, money, outcome.label)
    return Breakdown(
        name="cost",
        title=f"What does it cost, once {outcome.label} and later placements are counted?",
        asks=f"{case.action}: what does it save or cost, with what follows counted in money?",
        headline=headline,
        second=" ".join(seconds),
        tables=tuple(tables),
        figures=_figures(case, outcome, money),
        said=said,
        others=_others(knobs, case),
        choices=(
            Setting(name="Kept up for", value=years),
            Setting(name="Outcome moves from", value=f"year {question.lag} on"),
            *([Setting(name="Later care moves", value=f"{count(knobs.placed_later, 'year')} after the outcome")] if placed is not None else []),
            Setting(name="Discount rate", value="3.5% a year, from year 31 on 3.0%"),
            Setting(name="Draws", value=f"{knobs.draws:,} of effects and unit costs"),
        ),
        reasons=(
            *made.words,
            f"{count(knobs.draws, 'draw')} of both effects "
            f"{'together, from their scores by authority' if together else 'as if unrelated (this estimator gives no scores)'}, "
            "as t with the estimate's degrees of freedom; unit costs from triangles between the ends of their ranges",
            "Discounted at 3.5 % a year, from year 31 at 3.0 % (The Green Book); the money saved from now on, outcomes from when they move",
            f"What a unit of {made.treatment_variable.label} costs: {_priced(knobs, case)}; what was not spent is taken to be saved whole",
            f"The effect is that of {estimate.estimator.replace('_', ' ')}: {estimate.estimand}",
            *_allowed(f"the effect on {outcome.label}", estimate),
            *(_allowed(f"the effect on {placed[1].outcome_variable.label}", placed[0]) if placed is not None else ()),
        ),
        cannot_say=(
            "Not counted: the quality of care and of family life, schooling, health, crime and earnings, what families, schools and the "
            "health service pay or save, what it costs to "
            "close and to reopen, the time of social workers on plans",
            "That the effect, estimated within the years seen, goes on unchanged for as long as the action is kept is assumed, not found",
            "Nothing here is firmer than the study's own answer; its checks are run by  causal run. A net saving is not a reason to act: "
            "it says nothing of whether children are safe",
            *(
                ("Children placed otherwise (with parents, for adoption and so on) are counted at nothing, so that later placements cost more than is said",)
                if placed
                else ()
            ),
        ),
        notes=tuple(notes),
        truth=simulated,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Worth:
    """Net benefit over what a year of one of the outcome is valued at; shapes (values,), (draws, values)."""

    values: Floats
    benefit: Floats


def _effects_said(
    case: Case,
    made: Design,
    estimate: Estimate,
    placed: tuple[Estimate, Design] | None,
    account: Account,
    care: Floats,
    totals: tuple[Floats, Floats],
    people: str,
) -> tuple[str, ...]:
    """Both effects, and what one of the outcome costs where that can be said.

    care, totals : shape (draws,), a year in care of one child; outcomes added, and net money.
    """
    question, outcome, level = case.question, made.outcome_variable, case.question.level
    spans = estimate.lower is None or estimate.upper is None or estimate.lower <= 0 <= estimate.upper
    smallest = question.smallest_important
    said = [f"The effect on {outcome.label} is {_effect(estimate, smallest, -smallest)}, {outcome.unit}, in each year from year {question.lag} on"]
    if placed is not None:
        one, arranged = placed
        middle = float(np.median(care))
        label = arranged.outcome_variable.label
        said.append(
            f"The same design gives {_effect(one)}, {arranged.outcome_variable.unit}, for {label} from year {account.first_placed} on; a "
            "year in care of one child costs "
            f"{sterling(middle)} ({sterling(float(np.quantile(care, 0.025)))} to {sterling(float(np.quantile(care, 0.975)))}) over kinds of placement"
        )
        even = _even(account, care)
        if even is not None:
            said.append(
                f"What is saved by definition would be used up if the action brought {float(f'{even:.2g}'):,g} more {label} per {people}; "
                f"these data put it at {_effect(one)}"
            )
    if spans:
        said.append(
            f"No cost of {one_of(outcome)} is given: the effect may be nothing or go either way, and a ratio to it would mean "
            "nothing; net benefit stands in its place"
        )
    else:
        added, net = totals
        low_end, middle_end, high_end = (float(q) for q in np.quantile(net / added, [0.5 - level / 2, 0.5, 0.5 + level / 2]))
        said.append(
            f"Net money saved for {one_of(outcome)} more, later placements counted: {sterling(middle_end)} ({sterling(low_end)} to {sterling(high_end)})"
        )
    return tuple(said)


def _even(account: Account, care: Floats) -> float | None:
    """The effect on later care that would use up what is saved by definition; None where nothing is saved, or later care is beyond the account's years."""
    later = float(np.median(care)) * account.weight(account.first_placed)
    return account.saved * account.weight(0) / later if account.saved > 0 and later > 0 else None


def _certainty(knobs: Knobs, case: Case, even: float | None) -> Judged:
    """Of the effect on later care, against the one that would use up the saving; with its own checks where they can be run."""
    asked = replace(case.question, outcome=knobs.placed or "", lag=case.question.lag + knobs.placed_later, modifiers=(), harm="increase")
    if even is not None:
        asked = replace(asked, smallest_important=float(f"{even:.3g}"), because="more would use up what is saved")
    return case.judged(asked)


def _others(knobs: Knobs, case: Case) -> tuple[str, ...]:
    return others_said(knobs.others.get(case.question.treatment, ()))


def _beside(spent: Floats, net: Floats, level: float, saves: bool) -> str:
    """What later care does to the account, as the end of a sentence; from both ranges alone."""
    ends = [0.5 - level / 2, 0.5 + level / 2]
    (least, most), (low, high) = np.quantile(spent, ends), np.quantile(net, ends)
    if least <= 0 <= most:
        if saves and low > 0:
            return "whether later care uses up some of that is open"
        return "whether later care adds to that or takes from it is open"
    if most < 0:
        return "later care, estimated, costs less as well" if saves else "later care, estimated, costs less"
    if not saves:
        return "later care, estimated, costs more as well"
    return "later care, estimated, uses up " + ("some of that" if low > 0 else "all of it and more" if high < 0 else "some of that or all of it")


def _spent(spent: Floats, level: float) -> str:
    """costs £0 more (from £500,000 less to £600,000 more): rounded as every range is."""
    middle, low, high = (value for value, _ in rounded(*_ends(spent, level)))
    return f"costs {_more(middle)} (from {_more(low)} to {_more(high)})"


def _more(amount: float) -> str:
    return f"{sterling(abs(amount))} {'more' if amount >= 0 else 'less'}"


def _lower(action: str) -> str:
    return action[:1].lower() + action[1:]


def one_of(outcome: Variable) -> str:
    """A year of children on plans, or one more of what is counted as it comes."""
    return f"one of {outcome.label}" if outcome.counts == "flow" else f"a person-year of {outcome.label}"


def _worth_said(one: str, worth: _Worth, level: float, *, known: bool) -> tuple[str, ...]:
    """From which value of an outcome-year on the account can go either way."""
    values, benefit = worth.values, worth.benefit
    turns = np.flatnonzero((np.quantile(benefit, 0.5 - level / 2, axis=0) <= 0) & (np.quantile(benefit, 0.5 + level / 2, axis=0) >= 0))
    if not len(turns) or not turns[0]:
        return ()
    what = "what is saved" if known else "what is spent"
    return (
        f"Once {one} is valued at about {sterling(values[turns[0]])} or more, the effects that fit these data can outweigh {what}; below "
        "that it is the sum known by definition that decides, and no estimate",
    )


def _priced(knobs: Knobs, case: Case) -> str:
    """Where the price comes from, in words."""
    cost = price_of(case.panel, case.question.treatment, knobs.prices)
    if not isinstance(cost, str):
        return f"£{cost:g} per person"
    variable = case.panel.variable(cost)
    return f"{variable.label} in the first year known ({variable.unit}; {variable.definition or variable.source}), people counting alike"


def _furthest(harm: Floats, net: Floats, level: float) -> float:
    """Where the acceptability curve ends: twice the value at which net benefit's interval first holds zero, to one figure, and at least £100,000."""
    rate = np.quantile(harm, [0.5 - level / 2, 0.5 + level / 2])
    worst = float(rate[1]) if np.median(net) > 0 else -float(rate[0])
    turn = 2 * abs(float(np.median(net))) / worst if worst > 0 else 0.0
    return float(np.clip(float(f"{turn:.1g}"), 1e5, 1e7))


def sterling(amount: float) -> str:
    """£730,000, −£1.25m, £2.3m."""
    size = abs(amount)
    shown = f"£{float(f'{size / 1e6:.2f}'):,.10g}m" if size >= 999_500 else f"£{float(f'{size:.3g}'):,.0f}"
    return ("−" if amount < 0 and any(digit in shown for digit in "123456789") else "") + shown


def _effect(one: Estimate, *lines: float) -> str:
    """An effect and its range, rounded as the study's own answer is.

    Parameters
    ----------
    one : the estimate.
    *lines : numbers beside 0 that decide a word.
    """
    if one.lower is None or one.upper is None:
        digits = places(one.effect)
        return f"{signed(one.effect, digits)} ({span(one.lower, one.upper, digits)})"
    effect, lower, upper = (signed(*end) for end in rounded(one.effect, one.lower, one.upper, (0.0, *lines)))
    return f"{effect} ({lower} to {upper})"


def _allowed(of: str, one: Estimate) -> tuple[str, ...]:
    """That shocks which places share are allowed for in an effect."""
    shared = one.shared
    if shared is None:
        return ()
    how = f"{listed(shared.groups)} × year is absorbed" if shared.refitted else f"the {listed(shared.groups) or 'authority'} is the cluster"
    return (f"In {of} places share shocks through {listed(shared.through)}: {how}, as in the study's own answer",)


def _ends(values: Floats, level: float) -> tuple[float, float, float]:
    low, middle, high = np.quantile(values, [0.5 - level / 2, 0.5, 0.5 + level / 2])
    return float(middle), float(low), float(high)


def _sums(saved: float, spent: Floats, net: Floats, level: float, money: str, years: str, placed: bool) -> Table:
    itself = "saved by the action itself, by definition" if saved > 0 else "saved by the action itself, by definition (below 0: spent)"
    rows: list[tuple[str | float | None, ...]] = [(itself, *(saved / 1e3,) * 3)]  # known, so its ends are itself
    if placed:
        rows.append(("spent on later care, estimated", *(one / 1e3 for one in _ends(spent, level))))
        rows.append(("left of it, later care counted", *(one / 1e3 for one in _ends(net, level))))
    digits = places(max(abs(float(one)) for row in rows for one in row[1:] if one is not None))
    return Table(
        name="money",
        caption=f"Money saved and spent over {years}, discounted, {money}",
        columns=(
            Column(name="what", label="what", text=True),
            *(
                Column(name=name, label=words, unit="£ thousand", places=digits)
                for name, words in (("middle", "middle"), ("lower", "lower"), ("upper", "upper"))
            ),
        ),
        rows=tuple(rows),
    )


def _benefit(values: Floats, benefit: Floats, level: float, money: str, one: str) -> Table:
    ends = np.array([_ends(column, level) for column in benefit.T]) / 1e3
    digits = places(float(np.abs(ends).max()))
    return Table(
        name="benefit",
        caption=f"Net benefit ({money}), by what {one} is valued at",
        columns=(
            Column(name="value", label="valued at", unit="£ thousand", places=0),
            *(
                Column(name=name, label=words, unit="£ thousand", places=digits)
                for name, words in (("benefit", "net benefit"), ("lower", "lower"), ("upper", "upper"))
            ),
        ),
        rows=tuple((float(v) / 1e3, *(float(one) for one in row)) for v, row in zip(values, ends, strict=True)),
        shown=11,
    )


def _plane(added: Floats, net: Floats, label: str, money: str) -> Table:
    costs = -net[:PLANE] / 1e3
    digits = places(float(np.abs(costs).max()))
    return Table(
        name="plane",
        caption=f"The cost plane: {PLANE} draws of years of {label} added and of net cost, {money}",
        columns=(
            Column(name="added", label="years added", unit="discounted", places=places(float(np.abs(added[:PLANE]).max()))),
            Column(name="cost", label="net cost", unit="£ thousand", places=digits),
        ),
        rows=tuple((float(a), float(c)) for a, c in zip(added[:PLANE], costs, strict=True)),
        shown=5,
    )


def _unit_costs(knobs: Knobs) -> Table:
    keys = ("value", "low", "high", "share", "share_low", "share_high")
    labels = ("a child-year", "low", "high", "share of children looked after", "low share", "high share")
    return Table(
        name="unit_costs",
        caption="What a year in care costs, with the ranges that were drawn from",
        columns=(
            Column(name="kind", label="placement", text=True),
            *(
                Column(name=key, label=label, unit="" if "share" in key else "£", places=2 if "share" in key else 0)
                for key, label in zip(keys, labels, strict=True)
            ),
            Column(name="source", label="source", text=True),
        ),
        rows=tuple((name, *(getattr(one, key) for key in keys), one.source) for name, one in knobs.placements.items()),
    )


def _figures(case: Case, outcome: Variable, money: str) -> tuple[Figure, ...]:
    label = outcome.label
    return (
        Figure(
            name="money",
            kind="intervals",
            table="money",
            alt="Money saved or spent by the action itself, by definition; spent on later care, estimated; and what is left, with intervals.",
            caption=f"What the money comes to. {case.action}: known by definition, estimated, and both together, with {case.question.level:.0%} intervals",
            values=("middle",),
            lower="lower",
            upper="upper",
            label="what",
            axes=(f"{money}, discounted",),
        ),
        Figure(
            name="plane",
            kind="scatter",
            table="plane",
            alt=f"Scatter of draws: years of {label} added across, net cost upwards. Each point is one draw of effects and unit costs.",
            caption=f"Cost plane. Each point is one draw of effects and unit costs; to the right more {label}, upwards more cost. The lines are at zero",
            values=("added", "cost"),
            axes=(f"years of {label} added, discounted", f"net cost, {money}"),
            marks=(Mark(column="added", value=0.0, words="none added"), Mark(column="cost", value=0.0, words="costs nothing")),
        ),
        Figure(
            name="benefit",
            kind="curve",
            table="benefit",
            alt=f"Net benefit of the action with its interval, by the value of {one_of(outcome)}.",
            caption=f"Net benefit with its {case.question.level:.0%} interval, by what {one_of(outcome)} is valued at. At nothing it is the money alone",
            values=("value", "benefit"),
            axes=(f"what {one_of(outcome)} is valued at, £ thousand", f"net benefit, {money}"),
            lower="lower",
            upper="upper",
        ),
    )


def _truth(knobs: Knobs, case: Case, account: Account, added: Floats, net: Floats, level: float, money: str, label: str) -> Table | None:
    """What a simulated source planted, at the unit costs' own values, beside what was found."""
    planted = getattr(case.source, "truth", None)
    if planted is None or knobs.placed is None:
        return None
    try:
        true = planted(case.question).ate
        placed = planted(replace(case.question, outcome=knobs.placed, lag=case.question.lag + knobs.placed_later)).ate
    except ConfigError:
        return None
    care = sum(one.value * one.share for one in knobs.placements.values())
    known_added, known_net = account.totals(np.array([true]), np.array([placed]), np.array([care]))
    return Table(
        name="planted",
        caption="Planted and found (simulated; planted at the unit costs' own values)",
        columns=(
            Column(name="what", label="what", text=True),
            *(Column(name=name, label=name) for name in ("planted", "found", "lower", "upper")),
            Column(name="unit", label="unit", text=True),
        ),
        rows=(
            (f"years of {label} added", float(known_added[0]), *_ends(added, level), "discounted"),
            ("left of the saving, later care counted", float(known_net[0]) / 1e3, *(one / 1e3 for one in _ends(net, level)), money),
        ),
    )
