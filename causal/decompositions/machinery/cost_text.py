"""What the account of a cost says: sentences, tables and figures, from what was drawn.

Acceptability curves and cost-effectiveness planes are those of Fenwick, Claxton & Sculpher 2001 (Representing uncertainty: the role of
cost-effectiveness acceptability curves).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from causal.arrays import Floats
from causal.breakdown import Breakdown, Case, Column, Figure, Mark, Table
from causal.decompositions.machinery.money import Account, Placement, drawn, price_of
from causal.design import Design
from causal.errors import ConfigError
from causal.estimate import Estimate
from causal.words import count, places, signed, span

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
    low, high = (float(one) for one in np.quantile(net, [0.5 - level / 2, 0.5 + level / 2]))
    centre = float(np.median(net))
    people = f"{rate:,.0f} {'children' if case.panel.population == 'children' else 'people'}"
    years = count(knobs.years, "year")
    money = f"£ thousand per {people}"
    verb = "saves" if account.saved > 0 else "costs"
    yearly = f"{case.action} {verb} {sterling(abs(account.saved))} a year per {people}"
    spread = f"{sterling(centre)} over {years}, discounted ({sterling(low)} to {sterling(high)})"
    if placed is None:
        answer = "What follows for later placements is not counted."
    elif low > 0:
        answer = f"Counting money for later placements and nothing else, it still saves: {spread}."
    elif high < 0:
        answer = f"Later placements cost more than it saves: {spread}."
    else:
        answer = f"Whether it saves anything once later placements are counted is open: {spread}."
    values = np.linspace(0.0, knobs.most or _furthest(bad * added, net, level), 51)
    benefit = net[:, None] - values * bad * added[:, None]
    probable = (benefit > 0).mean(axis=0)
    worth = _Worth(values=values, benefit=benefit, probable=probable)
    said = (*_effects_said(case, made, estimate, placed, account, care, (added, net), people), *_worth_said(outcome.label, worth, level))
    if made.treatment_variable.caution:
        said = (*said, f"Beware: {made.treatment_variable.caution}")
    tables = [
        _sums(saved, spent, net, level, money, years, placed is not None),
        _acceptable(values, probable, benefit, level, money, outcome.label),
        _plane(added, net, outcome.label, money),
        _quadrants(bad * added, -net, outcome.label),
        *([_unit_costs(knobs)] if placed is not None else []),
    ]
    simulated = _truth(knobs, case, account, added, net, level, money, outcome.label)
    return Breakdown(
        name="cost",
        title=f"What does it cost, once {outcome.label} and later placements are counted?",
        asks=f"{case.action}: what does it save or cost, with what follows counted in money?",
        headline=f"{yearly}. {answer}",
        tables=tuple(tables),
        figures=_figures(case, outcome.label, probable, values, money),
        said=said,
        reasons=(
            *made.words,
            f"{count(knobs.draws, 'draw')} of both effects "
            f"{'together, from their scores by authority' if together else 'as if unrelated (this estimator gives no scores)'}, "
            "as t with the estimate's degrees of freedom; unit costs from triangles between the ends of their ranges",
            "Discounted at 3.5 % a year, from year 31 at 3.0 % (The Green Book); the money saved from now on, outcomes from when they move",
            f"What a unit of {question.treatment} costs: {_priced(knobs, case)}; what was not spent is taken to be saved whole",
            f"The effect is that of {estimate.estimator}: {estimate.estimand}",
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
    """Net benefit over what a year of one of the outcome is valued at; shapes (values,), (draws, values), (values,)."""

    values: Floats
    benefit: Floats
    probable: Floats


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
    said = [f"The effect on {outcome.label} is {_effect(estimate)}, {outcome.unit}, in each year from year {question.lag} on"]
    if placed is not None:
        one, arranged = placed
        middle = float(np.median(care))
        label = arranged.outcome_variable.label
        said.append(
            f"The same design gives {_effect(one)}, {arranged.outcome_variable.unit}, for {label} from year {account.first_placed} on; a "
            "year in care of one child costs "
            f"{sterling(middle)} ({sterling(float(np.quantile(care, 0.025)))} to {sterling(float(np.quantile(care, 0.975)))}) over kinds of placement"
        )
        even = account.saved * account.weight(0) / (middle * account.weight(account.first_placed)) if account.weight(account.first_placed) else np.inf
        if account.saved > 0 and np.isfinite(even):
            said.append(f"The saving would be gone if the action brought {even:,.1f} more of {label} per {people}; these data put it at {_effect(one)}")
    if spans:
        said.append(
            f"No cost for each of {outcome.label} is given: the effect may be nothing or go either way, and a ratio to it would mean "
            "nothing; net benefit stands in its place"
        )
    else:
        added, net = totals
        low_end, middle_end, high_end = (float(q) for q in np.quantile(net / added, [0.5 - level / 2, 0.5, 0.5 + level / 2]))
        said.append(
            f"Net money saved for each year of one more of {outcome.label}, later placements counted: {sterling(middle_end)} "
            f"({sterling(low_end)} to {sterling(high_end)})"
        )
    return tuple(said)


def _worth_said(label: str, worth: _Worth, level: float) -> tuple[str, ...]:
    """Where its net benefit can no longer be told from nothing, and how probable it is at both ends."""
    values, benefit, probable, said = worth.values, worth.benefit, worth.probable, []
    turns = np.flatnonzero((np.quantile(benefit, 0.5 - level / 2, axis=0) <= 0) & (np.quantile(benefit, 0.5 + level / 2, axis=0) >= 0))
    if len(turns) and turns[0]:
        said.append(
            f"Whether its net benefit lies above or below zero can no longer be told once a year of one of {label} is valued at about "
            f"{sterling(values[turns[0]])} or more"
        )
    said.append(
        f"The chance that its net benefit lies above zero is {probable[0]:.0%} where a year of one of {label} is valued "
        f"at nothing, and {probable[-1]:.0%} where it "
        f"is valued at {sterling(values[-1])}"
    )
    return tuple(said)


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
    """£730,000, −£1.25m."""
    size = abs(amount)
    shown = f"£{size / 1e6:,.2f}m" if size >= 999_500 else f"£{float(f'{size:.3g}'):,.0f}"
    return ("−" if amount < 0 and any(digit in shown for digit in "123456789") else "") + shown


def _effect(one: Estimate) -> str:
    digits = places(max(abs(number) for number in (one.effect, one.lower or 0.0, one.upper or 0.0)))
    return f"{signed(one.effect, digits)} ({span(one.lower, one.upper, digits)})"


def _ends(values: Floats, level: float) -> tuple[float, float, float]:
    low, middle, high = np.quantile(values, [0.5 - level / 2, 0.5, 0.5 + level / 2])
    return float(middle), float(low), float(high)


def _sums(saved: float, spent: Floats, net: Floats, level: float, money: str, years: str, placed: bool) -> Table:
    rows: list[tuple[str | float | None, ...]] = [("saved by the action itself", *(saved / 1e3,) * 3)]
    if placed:
        rows.append(("spent on later placements", *(one / 1e3 for one in _ends(spent, level))))
    rows.append(("net saving", *(one / 1e3 for one in _ends(net, level))))
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


def _acceptable(values: Floats, probable: Floats, benefit: Floats, level: float, money: str, label: str) -> Table:
    ends = np.array([_ends(column, level) for column in benefit.T]) / 1e3
    digits = places(float(np.abs(ends).max()))
    return Table(
        name="acceptability",
        caption=f"Chance that net benefit lies above zero, and the net benefit itself ({money}), by what a year of one of {label} is valued at",
        columns=(
            Column(name="value", label="valued at", unit="£ thousand", places=0),
            Column(name="chance", label="chance", places=3),
            *(
                Column(name=name, label=words, unit="£ thousand", places=digits)
                for name, words in (("benefit", "net benefit"), ("lower", "lower"), ("upper", "upper"))
            ),
        ),
        rows=tuple((float(v) / 1e3, float(p), *(float(one) for one in row)) for v, p, row in zip(values, probable, ends, strict=True)),
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


def _quadrants(harm: Floats, cost: Floats, label: str) -> Table:
    cells = (
        ("saves money and does good", (harm <= 0) & (cost <= 0)),
        ("saves money and does harm", (harm > 0) & (cost <= 0)),
        ("costs money and does good", (harm <= 0) & (cost > 0)),
        ("costs money and does harm", (harm > 0) & (cost > 0)),
    )
    return Table(
        name="quadrants",
        caption=f"Where draws of the cost plane lie (harm and good as counted in {label} alone)",
        columns=(Column(name="what", label="the action", text=True), Column(name="chance", label="share of draws", places=3)),
        rows=tuple((words, float(here.mean())) for words, here in cells),
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


def _figures(case: Case, label: str, probable: Floats, values: Floats, money: str) -> tuple[Figure, ...]:
    ranged = f"from {probable[0]:.0%} where it is valued at nothing to {probable[-1]:.0%} where it is valued at {sterling(values[-1])}"
    return (
        Figure(
            name="money",
            kind="intervals",
            table="money",
            alt="Money saved by the action, spent on later placements, and net, with intervals.",
            caption=f"What the money comes to. {case.action}: saved, spent on what follows, and net, with {case.question.level:.0%} intervals",
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
            name="acceptability",
            kind="curve",
            table="acceptability",
            alt=f"Chance that the action's net benefit lies above zero, by the value of a year of one of {label}: {ranged}.",
            caption=f"Acceptability curve. The chance that net benefit lies above zero, by what a year of one of {label} is valued at: {ranged}",
            values=("value", "chance"),
            marks=(Mark(column="chance", value=0.5, words="even chance"),),
            axes=(f"what a year of one of {label} is valued at, £ thousand", "chance that net benefit lies above zero"),
        ),
        Figure(
            name="benefit",
            kind="curve",
            table="acceptability",
            alt=f"Net benefit of the action with its interval, by the value of a year of one of {label}.",
            caption=f"Net benefit with its {case.question.level:.0%} interval, by the same value",
            values=("value", "benefit"),
            axes=(f"what a year of one of {label} is valued at, £ thousand", f"net benefit, {money}"),
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
            ("net saving", float(known_net[0]) / 1e3, *(one / 1e3 for one in _ends(net, level)), money),
        ),
    )
