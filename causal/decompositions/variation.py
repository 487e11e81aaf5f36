"""What the differences between authorities and years are made of: place, deprivation, years, and the unexplained; and which choices move the shares.

`components` has the two readings. A measure of deprivation that changes over time (child poverty) is split: its mean over the years goes before the
authorities, as a lasting measure does; its movement within authorities shares what it has in common with years by Shapley's rule (Shapley 1953; Shorrocks
2013, Decomposition procedures for distributional analysis), the mean of coming before them and after them. Splitting a lasting measure from its authorities
by that rule would merely halve it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np

from causal.breakdown import Breakdown, Case, Cell, Column, Figure, Mark, Setting, Table
from causal.decompositions.machinery.components import SHARES, AuthorityYears, Floats, accelerated, again, components, nested_shares, planted
from causal.errors import CausalError, ConfigError, DataError, refusal
from causal.knobs import whole_number
from causal.panel import Panel
from causal.words import capital, count, listed

WORDS = {"place": "Local characteristics", "deprivation": "Deprivation", "common": "Common to all at a time", "unexplained": "Unexplained"}
NESTED, NOISE_FREE, LASTING = "Nested R²", "Without chance", "Lasting only"
DRIFTING = 0.7  # an autocorrelation from which slow drift and lasting difference look alike in six to eight years
NEAR = 5  # points
UNIT = "% of the variation"
Choice = tuple[str, tuple[int, int], str]  # outcome, window, measure


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """Shares of the variation of outcomes.

    Parameters
    ----------
    outcomes, windows, measures : columns, first and last years, and columns that measure deprivation; the first of each is what the answer tells.
    said, said_by : what was said of these shares, %, and by whom.
    draws : of whole authorities.
    level : of the intervals.

    Raises
    ------
    ConfigError : a knob out of its range.
    """

    outcomes: Sequence[str]
    windows: Sequence[Sequence[int]]
    measures: Sequence[str]
    said: Mapping[str, float] = field(default_factory=dict)
    said_by: str = ""
    draws: int = 500
    level: float = 0.95

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "variation"

    def __post_init__(self) -> None:
        for key in ("outcomes", "windows", "measures"):
            if isinstance(getattr(self, key), str) or not len(getattr(self, key)):
                raise refusal(ConfigError, f"variation.{key}", "a list of at least one", repr(getattr(self, key)), "name one, or leave the knob as it ships")
        for window in self.windows:
            if len(window) != 2 or not window[0] + 1 < window[1]:
                raise refusal(
                    ConfigError,
                    "variation.windows",
                    "pairs of a first and a later last year, three years or more",
                    repr(window),
                    "write  decomposition.windows=[[2013,2018]]",
                )
        if odd := set(self.said) - set(SHARES):
            raise refusal(ConfigError, "variation.said", f"shares of {', '.join(SHARES)}", f"{', '.join(sorted(odd))}", "give these names and no other")
        whole_number("variation.draws", self.draws, 20)
        if not 0.5 <= self.level < 1:
            raise refusal(ConfigError, "variation.level", "a number between 0.5 and 1 (0.95 is usual)", repr(self.level), "write  decomposition.level=0.95")

    def decompose(self, case: Case, rng: np.random.Generator) -> Breakdown:
        """Take the variation apart.

        Parameters
        ----------
        case : of which the panel alone is read, and its streams.
        rng : not used; each choice of outcome, window and measure has its own stream.

        Raises
        ------
        DataError : none of the outcomes, windows and measures is in the panel.
        """
        panel = case.panel
        choices, notes = self._choices(panel)
        lasting = [one for one in choices if panel.variable(one[2]).varies == "authority"]
        if not lasting:
            raise refusal(
                DataError,
                panel.title,
                f"one of the outcomes {list(self.outcomes)} with a lasting measure of {list(self.measures)}",
                "none of them in these windows",
                "name others with  decomposition.outcomes=[…]  and  decomposition.measures=[…]",
            )
        found = case.map("variation", _Step(self, panel, lasting), len(lasting))
        first, table = found[0], self._shares(panel, lasting, found)
        outcome, window, measure = (_label(panel, one) for one in lasting[0])
        share_of = {name: round(float(first.readings[NESTED].values[i])) for i, name in enumerate(SHARES)}
        read = {reading: dict(zip(SHARES, one.values, strict=True)) for reading, one in first.readings.items()}
        varying = self._varying(panel, [one for one in choices if one not in lasting])
        spans = self._moves(table)
        truth = self._truth(case, lasting, found)
        figures = self._pictures(lasting, (outcome, window, measure), share_of, read, spans.sentences)
        if varying is not None:
            figures += (self._picture(varying),)
        said = [
            *spans.sentences,
            f"Chance is part of the nested share of place: without it the share is {read[NOISE_FREE]['place']:.0f}%, not {read[NESTED]['place']:.0f}%",
            self._how_lasting(first),
            *self._nearest(table),
        ]
        return Breakdown(
            name=self.name,
            title="What differences between authorities and years are made of",
            asks="How much of the variation is lasting local characteristics, deprivation, what is common to all at a time, and how much is unexplained?",
            headline=f"{capital(outcome)}, {window}: {_shares_text(share_of)}.",
            second=(f"{self.said_by} said {_short(self.said)}. " if self.said else "")
            + f"Without chance: {_short(read[NOISE_FREE])}, in the same order; these are shares of the variation, %.",
            choices=(
                Setting(name="Measure of deprivation", value=measure),
                Setting(name="Draws", value=f"{self.draws:,} of whole authorities"),
                Setting(name="Intervals", value=f"{self.level:.0%}"),
            ),
            said=tuple(said),
            tables=(self._answer(first), table, spans.table, *([varying] if varying is not None else [])),
            figures=figures,
            truth=truth,
            reasons=(
                "nested reading: raw unweighted R² of deprivation alone (a straight line), then every authority, then every year; what deprivation and "
                "authority share goes to deprivation",
                "without chance: normal variance components, what differs from one year to the next taken as chance (independent between years); lasting only: "
                "the same with one autocorrelation for all authorities, so that what lasts a few years is no part of place either; both of authorities "
                "known in every year",
                f"intervals for authorities like these: {self.draws} bootstrap draws of whole authorities, bias-corrected and accelerated; for these very "
                "authorities and years: their lasting parts kept and what comes and goes drawn anew",
                "every authority counts alike, whatever its size",
            ),
            cannot_say=(
                "a share of variation is not a cause: it does not say what would happen if deprivation, or anything else, were changed",
                "what is lasting about a place is need, practice and recording together; these data do not part them",
                "deprivation's share is that of one measure in a straight line; what the measure misses counts as place",
            ),
            notes=tuple(notes),
        )

    def _pictures(
        self,
        lasting: Sequence[Choice],
        labels: tuple[str, str, str],
        share_of: Mapping[str, int],
        read: Mapping[str, Mapping[str, float]],
        sentences: Sequence[str],
    ) -> tuple[Figure, ...]:
        """The first choice by three readings, nested shares of all choices, and all readings of all outcomes."""
        outcome, window, measure = labels
        return (
            Figure(
                name="answer",
                kind="intervals",
                table="answer",
                alt=f"{capital(outcome)}, {window}: {_shares_text(share_of)} by the nested reading; without chance "
                + f"{_short(read[NOISE_FREE])}; lasting only {_short(read[LASTING])}, in the same order.",
                caption=f"{capital(outcome)}, {window}, by three readings. Lines are {self.level:.0%} intervals for authorities like these.",
                values=("value",),
                lower="lower",
                upper="upper",
                label="reading",
                group="share",
            ),
            Figure(
                name="choices",
                kind="dots",
                table="shares",
                alt=f"Nested shares of {count(len({one[0] for one in lasting}), 'outcome')} in {count(len({one[1] for one in lasting}), 'window')}. "
                + " ".join(sentences),
                caption=f"Nested shares by outcome and years, {measure}"
                + (f". Dashed lines are the shares that {self.said_by or 'others'} gave." if self.said else "."),
                values=SHARES,
                label="outcome",
                group="years",
                where={"measure": measure, "reading": NESTED},
                marks=tuple(Mark(column=name, value=float(value), words=f"said {value:g}") for name, value in self.said.items()),
                axes=tuple(f"{WORDS[name]}, %" for name in SHARES),
            ),
            Figure(
                name="readings",
                kind="stacked",
                table="shares",
                alt=f"Three readings of every outcome. {capital(outcome)}: "
                f"place {read[NESTED]['place']:.0f}% nested, {read[NOISE_FREE]['place']:.0f}% without chance, "
                f"{read[LASTING]['place']:.0f}% lasting only.",
                caption=f"What chance, and what lasts only a few years, add to the share of place: {window}, {measure}.",
                values=SHARES,
                label="reading",
                group="outcome",
                where={"measure": measure, "years": window},
                axes=("Share of the variation, %",),
            ),
        )

    def _choices(self, panel: Panel) -> tuple[list[Choice], list[str]]:
        """Outcome, window and measure of each that the panel holds, and what it does not hold."""
        notes = []
        for what, names in (("outcomes", self.outcomes), ("measures of deprivation", self.measures)):
            if missing := [name for name in names if name not in panel.names]:
                notes.append(f"{what} that are not in these data: {listed([name.replace('_', ' ') for name in missing])}")
        windows = [(int(a), int(b)) for a, b in self.windows if a >= panel.years[0] and b <= panel.years[-1]]
        if out := [f"{a} to {b}" for a, b in self.windows if (a, b) not in windows]:
            notes.append(f"windows that reach beyond the data, {panel.years[0]} to {panel.years[-1]}: {listed(out)}")
        made = []
        for one in product([n for n in self.outcomes if n in panel.names], windows, [n for n in self.measures if n in panel.names]):
            years = panel.subset(years=range(one[1][0], one[1][1] + 1)).frame
            known = years[one[0]].notna() & years[one[2]].notna()
            if known.groupby(level="year").any().all():
                made.append(one)
            else:
                notes.append(f"{_label(panel, one[0])}, {_label(panel, one[1])}, with {_label(panel, one[2])}: not known in every year")
        return made, list(dict.fromkeys(notes))

    def _shares(self, panel: Panel, choices: Sequence[tuple[str, tuple[int, int], str]], found: Sequence[_Found]) -> Table:
        rows: list[tuple[Cell, ...]] = []
        for (outcome, window, measure), one in zip(choices, found, strict=True):
            head = (_label(panel, outcome), _label(panel, window), _label(panel, measure))
            for reading, each in one.readings.items():
                ends = [end for pair in zip(each.lower, each.upper, strict=True) for end in pair]
                rows.append((*head, reading, *each.values, *ends, each.authorities, one.persistence if reading == LASTING else None))
        columns = (
            Column(name="outcome", label="Outcome", text=True),
            Column(name="years", label="Years", text=True),
            Column(name="measure", label="Measure of deprivation", text=True),
            Column(name="reading", label="Reading", text=True),
            *(Column(name=name, label=WORDS[name], unit="%", places=1) for name in SHARES),
            *(
                Column(name=f"{name}_{end}", label=f"{WORDS[name]}, {words}", unit="%", places=1)
                for name in SHARES
                for end, words in (("lower_ci", "from"), ("upper_ci", "to"))
            ),
            Column(name="authorities", label="Authorities", places=0),
            Column(name="persistence", label="Autocorrelation", places=2),
        )
        return Table(name="shares", caption="Shares of the variation for every choice", columns=columns, rows=tuple(rows))

    def _answer(self, first: _Found) -> Table:
        rows: list[tuple[Cell, ...]] = []
        for i, name in enumerate(SHARES):
            if name in self.said:
                rows.append((WORDS[name], f"Said: {self.said_by}", float(self.said[name]), None, None, None, None))
            for reading, each in first.readings.items():
                own = (None, None) if each.own is None else (each.own[0][i], each.own[1][i])
                rows.append((WORDS[name], reading, each.values[i], each.lower[i], each.upper[i], *own))
        columns = (
            Column(name="share", label="Share", text=True),
            Column(name="reading", label="Reading", text=True),
            Column(name="value", label="Share of the variation", unit="%", places=1),
            Column(name="lower", label="Authorities like these, lower end", unit="%", places=1),
            Column(name="upper", label="upper end", unit="%", places=1),
            Column(name="own_lower", label="These very authorities and years, lower end", unit="%", places=1),
            Column(name="own_upper", label="These very authorities and years, upper end", unit="%", places=1),
        )
        return Table(name="answer", caption="The answer by each reading, with its intervals", columns=columns, rows=tuple(rows))

    def _moves(self, table: Table) -> _Moves:
        """What changing one choice alone does to each share."""
        names = [column.name for column in table.columns]
        rows = [dict(zip(names, row, strict=True)) for row in table.rows]
        first = rows[0]
        keys = {"outcome": "outcome", "years": "years", "measure": "measure of deprivation", "reading": "reading"}
        lines: list[tuple[Cell, ...]] = []
        wide: dict[str, list[tuple[float, str]]] = {}
        for name in SHARES:
            for key, words in keys.items():
                alike = [row for row in rows if all(row[other] == first[other] for other in keys if other != key)]
                if len(alike) < 2:
                    continue
                low, high = (pick(alike, key=lambda row: float(row[name] or 0)) for pick in (min, max))
                lines.append((WORDS[name], capital(words), low[name], low[key], high[name], high[key]))
                wide.setdefault(name, []).append((float(high[name] or 0) - float(low[name] or 0), f"{words} ({low[name]:.0f} to {high[name]:.0f}%)"))
        columns = (
            Column(name="share", label="Share", text=True),
            Column(name="choice", label="What is chosen otherwise", text=True),
            Column(name="lowest", label="Lowest", unit="%", places=1),
            Column(name="lowest_with", label="with", text=True),
            Column(name="highest", label="Highest", unit="%", places=1),
            Column(name="highest_with", label="with (highest)", text=True),
        )
        said = []
        for name in SHARES[:3]:
            if ones := sorted(wide.get(name, []), reverse=True):
                said.append(f"The share of {WORDS[name].lower()} moves most with the {ones[0][1]}" + (f", then the {ones[1][1]}." if len(ones) > 1 else "."))
        return _Moves(
            table=Table(name="moves", caption="Which choices move the shares, one changed at a time", columns=columns, rows=tuple(lines)), sentences=tuple(said)
        )

    def _how_lasting(self, first: _Found) -> str:
        """What of place lasts for good, as far as these years tell."""
        one = first.readings[LASTING]
        text = f"What lasts for good makes {one.values[0]:.0f}% ({one.lower[0]:.0f} to {one.upper[0]:.0f}%), "
        text += f"with an autocorrelation of the rest of {first.persistence:.2f}"
        if first.persistence < DRIFTING:
            return text
        return f"{text}: places drift so slowly that these years hardly tell lasting differences from passing ones"

    def _nearest(self, table: Table) -> list[str]:
        """Which choice comes nearest to what was said, and how many come near."""
        if not self.said:
            return []
        names = [column.name for column in table.columns]
        rows = [dict(zip(names, row, strict=True)) for row in table.rows]
        # as printed: whoever reads 49 beside 44 counts it as within 5
        far = [max(abs(round(float(row[name] or 0)) - round(value)) for name, value in self.said.items()) for row in rows]
        exact = [max(abs(float(row[name] or 0) - value) for name, value in self.said.items()) for row in rows]
        row, near = rows[int(np.argmin(exact))], sum(one <= NEAR for one in far)
        return [
            f"Of {len(rows)} choices {near or 'none'} {'lies' if near <= 1 else 'lie'} within {NEAR} points of all that {self.said_by or 'others'} said, "
            f"counted as printed; the nearest is {row['outcome']}, {row['years']}, {row['measure']}, {_first_small(str(row['reading']))}: "
            + _short({name: float(row[name] or 0) for name in SHARES})
        ]

    def _varying(self, panel: Panel, choices: Sequence[tuple[str, tuple[int, int], str]]) -> Table | None:
        if not choices:
            return None
        columns = (
            Column(name="outcome", label="Outcome", text=True),
            Column(name="years", label="Years", text=True),
            Column(name="measure", label="Measure of deprivation", text=True),
            Column(name="place", label=WORDS["place"], unit="%", places=1),
            Column(name="between", label="Deprivation, between authorities", unit="%", places=1),
            Column(name="within", label="Deprivation, within authorities (Shapley)", unit="%", places=1),
            Column(name="common", label=f"{WORDS['common']} (Shapley)", unit="%", places=1),
            Column(name="unexplained", label=WORDS["unexplained"], unit="%", places=1),
        )
        rows: list[tuple[Cell, ...]] = [(*(_label(panel, part) for part in one), *split(panel, *one)) for one in choices]
        return Table(name="varying", caption="Shares with a measure of deprivation that changes over time", columns=columns, rows=tuple(rows))

    def _picture(self, varying: Table) -> Figure:
        first = dict(zip([column.name for column in varying.columns], varying.rows[0], strict=True))
        return Figure(
            name="varying",
            kind="stacked",
            table="varying",
            alt=f"{capital(str(first['outcome']))}, {first['years']}: {first['measure']} between authorities {first['between']:.0f}%, "
            f"within them {first['within']:.1f}%.",
            caption=f"With {first['measure']}, which changes over time. Its movement within authorities explains little beside what lies between them.",
            values=("place", "between", "within", "common", "unexplained"),
            label="outcome",
            group="years",
            where={"measure": str(first["measure"]), "years": str(first["years"])},
        )

    def _truth(self, case: Case, choices: Sequence[tuple[str, tuple[int, int], str]], found: Sequence[_Found]) -> Table | None:
        expected = getattr(case.source, "expected", None)
        if not case.panel.simulated or expected is None:
            return None
        rows: list[tuple[Cell, ...]] = []
        for (outcome, window, measure), one in zip(choices, found, strict=True):
            if window != choices[0][1] or measure != choices[0][2]:
                continue
            try:
                cells = expected(outcome)
            except CausalError:
                continue
            cells = cells[cells.index.get_level_values("year").isin(range(window[0], window[1] + 1))]
            true = planted(cells["usual"], cells["noise"], case.panel.frame[measure].groupby(level="authority").first())
            each = one.readings[LASTING]
            own = each.own
            assert own is not None
            for i, name in enumerate(SHARES):
                inside = own[0][i] <= true[i] <= own[1][i]
                values = (true[i], each.values[i], own[0][i], own[1][i], one.readings[NESTED].values[i])
                rows.append((_label(case.panel, outcome), WORDS[name], *values, "yes" if inside else "no"))
        columns = (
            Column(name="outcome", label="Outcome", text=True),
            Column(name="share", label="Share", text=True),
            Column(name="planted", label="Planted, for these authorities and years", unit="%", places=1),
            Column(name="found", label="Found, lasting only", unit="%", places=1),
            Column(name="own_lower", label=f"{self.level:.0%} interval, lower end", unit="%", places=1),
            Column(name="own_upper", label="upper end", unit="%", places=1),
            Column(name="nested", label="Nested R², for contrast", unit="%", places=1),
            Column(name="inside", label="Planted lies inside", text=True),
        )
        return Table(name="truth", caption="Shares planted and found", columns=columns, rows=tuple(rows)) if rows else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Reading:
    """Shares in the order of SHARES, %, with intervals for authorities like these and, where they are known, for these very ones."""

    values: Floats
    lower: Floats
    upper: Floats
    authorities: int
    own: tuple[Floats, Floats] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Found:
    """One choice by every reading."""

    readings: dict[str, _Reading]
    persistence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moves:
    table: Table
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    """One choice at a time, each with its own draws."""

    variation: Variation
    panel: Panel
    choices: Sequence[tuple[str, tuple[int, int], str]]

    def __call__(self, at: int, rng: np.random.Generator) -> _Found:
        outcome, window, measure = self.choices[at]
        cells = AuthorityYears.of(self.panel, outcome, measure, window)
        whole = cells.whole
        level, draws = self.variation.level, self.variation.draws

        def read(of: AuthorityYears, shares: Callable[[Floats], Floats], own: tuple[Floats, Floats] | None = None) -> _Reading:
            n = len(of.measure)
            found = shares(of.weights)[0]
            drawn = shares(rng.multinomial(n, np.full(n, 1 / n), size=draws).astype(float))
            low, high = accelerated(found, drawn, shares(1 - np.eye(n)), level)
            return _Reading(values=found, lower=low, upper=high, authorities=n, own=own)

        readings = {NESTED: read(cells, lambda weights: nested_shares(cells, weights))}
        for name, persistent in ((NOISE_FREE, False), (LASTING, True)):
            own = np.quantile(again(whole, draws, rng, persistent=persistent).shares, [(1 - level) / 2, (1 + level) / 2], axis=0)
            readings[name] = read(whole, lambda weights, p=persistent: components(whole, weights, persistent=p).shares, (own[0], own[1]))  # type: ignore[misc]
        return _Found(readings=readings, persistence=float(components(whole, whole.weights).persistence[0]))


def split(panel: Panel, outcome: str, window: tuple[int, int], measure: str) -> tuple[float, ...]:
    """Shares with a measure that changes over time, %: authority, measure between, measure within, year, unexplained.

    Between is nested before authority; within and year share by Shapley's rule what both could explain.
    """
    frame = panel.subset(years=range(window[0], window[1] + 1)).frame[[outcome, measure]].dropna()
    y, x = frame[outcome].to_numpy(), frame[measure]
    mean = x.groupby(level="authority").transform("mean").to_numpy()
    place = frame.index.get_level_values("authority").factorize()[0]
    year = np.eye(window[1] - window[0] + 1)[frame.index.get_level_values("year") - window[0]]

    def within(values: Floats) -> Floats:
        sums = np.zeros((place.max() + 1, values.shape[1]))
        np.add.at(sums, place, values)
        return np.asarray(values - (sums / np.bincount(place)[:, None])[place])

    def explained(target: Floats, columns: Floats) -> float:
        fitted = columns @ np.linalg.lstsq(columns, target, rcond=None)[0]
        return float(fitted @ fitted)

    far, left = y - y.mean(), within(y[:, None])[:, 0]
    total = float(far @ far)
    between = explained(far, (mean - mean.mean())[:, None])
    moves, years = within(x.to_numpy()[:, None]), within(year)
    alone, alone_year, both = explained(left, moves), explained(left, years), explained(left, np.column_stack([moves, years]))
    parts = (total - float(left @ left) - between, between, (alone + both - alone_year) / 2, (alone_year + both - alone) / 2, float(left @ left) - both)
    return tuple(100 * part / total for part in parts)


def _label(panel: Panel, what: str | tuple[int, int]) -> str:
    if isinstance(what, tuple):
        return f"{what[0]} to {what[1]}"
    one = panel.variable(what)
    if one.count_per:
        return re.sub(r" (at 31 March|in the year|to children's social care|to social care)", "", one.label)
    return f"{one.label} ({one.unit})"


def _first_small(text: str) -> str:
    return text[:1].lower() + text[1:]


def _shares_text(shares: Mapping[str, float]) -> str:
    return listed([f"{shares[name]:.0f}% {WORDS[name][:1].lower()}{WORDS[name][1:]}" for name in SHARES])


def _short(shares: Mapping[str, float]) -> str:
    return " / ".join(f"{shares[name]:.0f}" for name in SHARES if name in shares)


__all__ = ["Variation", "split"]
