"""From an identified question to arrays: which rows, what is absorbed, what is adjusted for, who is a cluster.

The identified set drives everything here. `authority` and `year` in it are absorbed as fixed effects; a
constant cause whose strength changes is adjusted for as itself × year; what was lost on the way, rows and
authorities, is counted step by step. Nothing is estimated here.

Absorbing is exact on unbalanced panels: the many authority effects are taken out by subtracting means, the
few year effects are columns that have lost the same means (Frisch & Waugh 1933; Lovell 1963).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from causal.arrays import COLLINEAR, Floats, Ints, orthonormal
from causal.errors import DesignError, NotEstimable, refusal, suggest
from causal.graph import undated
from causal.identification import PLACE_AND_TIME, Identification
from causal.modifier import Modifier, base_year, cut_into_groups
from causal.panel import Loss, Panel, Variable
from causal.question import Question
from causal.rows import Control, beside, breaks, complete, control_columns, row_weights, spacing
from causal.words import count, listed

GROUPINGS = ("region",)  # what is known of places and no column holds, and may stand in a graph as a cause
FEWEST_AUTHORITIES = 10
GONE = 1e-7  # share of a column's length below which nothing of it is left
ROUNDING = 1e-13  # share of a column's size that arithmetic leaves of a constant
PERFECT = 1e-10  # share of a column's variance below which another explains all of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A control left out because others tell it wholly.

    Parameters
    ----------
    name : of the control.
    by : what tells it: controls, or "authority" and "year" where these are absorbed.
    """

    name: str
    by: tuple[str, ...]

    @property
    def words(self) -> str:
        """A sentence."""
        return (
            f"{self.name} is left out: {listed(list(self.by))} {'tells' if len(self.by) == 1 else 'tell'} it wholly (collinear), so that nothing is lost by it."
        )


class Copies(Sequence[str]):
    """Names of authorities that were drawn, each with its draw; a name is made when it is asked for.

    Parameters
    ----------
    names : of all.
    of : shape (drawn,), which of these each is.
    copy : shape (drawn,), in which draw.
    """

    __slots__ = ("copy", "names", "of")

    def __init__(self, names: Sequence[str], of: Ints, copy: Ints) -> None:
        self.names, self.of, self.copy = names, of, copy

    def __len__(self) -> int:
        return len(self.of)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[str, ...]: ...
    def __getitem__(self, at: int | slice) -> str | tuple[str, ...]:
        if isinstance(at, slice):
            return tuple(self[i] for i in range(*at.indices(len(self))))
        return f"{self.names[self.of[at]]}·{self.copy[at]}"


def _some(names: Sequence[str], at: Ints) -> Sequence[str]:
    """Some of the names; those of copies are still made when they are asked for."""
    return Copies(names.names, names.of[at], names.copy[at]) if isinstance(names, Copies) else tuple(names[i] for i in at.tolist())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Design:
    """One row for each usable authority-year, sorted by authority and year.

    Parameters
    ----------
    question, identification : what is asked and what the graph allows.
    outcome, treatment : shape (rows,); raw, in the units of their variables.
    controls : shape (rows, columns); raw.
    control_names : of each column of `controls`.
    control_groups : which columns of `controls` stand for one cause (deprivation by year has one for each year but the first).
    time_invariant : shape (rows, columns), what the graph asks for but authority effects already hold
        (constant causes); for estimators that do not absorb authorities.
    time_invariant_names : of each column of `time_invariant`.
    absorb : of ("authority", "year"), what is taken out as fixed effects.
    authority, cluster : shape (rows,), codes into `authorities` and `clusters`.
    authorities, clusters : codes of places, and names of what moves together, sorted.
    year : shape (rows,).
    region : shape (rows,), the region's name, "" where not known.
    population : shape (rows,), people the outcome refers to; None where not known.
    modifiers : groupings of the rows, constant within an authority.
    weights : shape (rows,), how much each row counts, mean 1; None where all count alike.
    counts : shape (rows,), the people whose mean each row is; None where a row is one observation.
    effect : shape (rows,), codes of whose constant effect is absorbed with the authorities, where several of them share one; None: each has its own.
    folds : name of a cluster → its fold, where a cross-fit is made again on other rows and must not differ by its folds; None: they are dealt.
    grouped : name of a grouping of places → its codes, shape (rows,): with the years, each group's own year effects are absorbed too (region × year).
    columns : dated name → shape (rows,), what an estimator may need beside the adjustment set (instruments, mediators, the outcome before
        the treatment); raw, NaN where not known, and so never a reason to lose a row here.
    outcome_variable, treatment_variable : what the numbers are.
    lost : rows and authorities left out at each step.
    dropped : controls that the others, or what is absorbed, tell wholly (collinear), and why; they stand in no array.
    words : what was absorbed, adjusted for and lagged, as sentences.

    Examples
    --------
    >>> from causal.testing.worlds import World, designed
    >>> made = designed(World(authorities=30, years=6).load())
    >>> made.rows, made.absorb
    (180, ('authority', 'year'))
    >>> made.partial_out(made.treatment[:, None]).shape
    (180, 1)
    """

    question: Question
    identification: Identification
    outcome: Floats
    treatment: Floats
    controls: Floats
    control_names: tuple[str, ...]
    control_groups: Mapping[Control, tuple[int, ...]]
    time_invariant: Floats
    time_invariant_names: tuple[str, ...]
    absorb: tuple[str, ...]
    authority: Ints
    authorities: Sequence[str]
    cluster: Ints
    clusters: tuple[str, ...]
    year: Ints
    region: NDArray[np.str_]
    population: Floats | None
    modifiers: tuple[Modifier, ...]
    outcome_variable: Variable
    treatment_variable: Variable
    lost: tuple[Loss, ...]
    words: tuple[str, ...]
    weights: Floats | None = None
    columns: Mapping[str, Floats] = field(default_factory=dict)
    dropped: tuple[Dropped, ...] = ()
    grouped: Mapping[str, Ints] = field(default_factory=dict)
    counts: Floats | None = None
    effect: Ints | None = None
    folds: Mapping[str, int] | None = None
    _bases: dict[bool, Floats] = field(default_factory=dict, init=False, repr=False)  # of this design alone: `replace` gives the new one an empty one

    def __getstate__(self) -> dict[str, object]:
        # a basis is made anew faster than it travels, and must not come back as one that can be written to
        return {one.name: {} if one.name == "_bases" else getattr(self, one.name) for one in fields(self)}

    def __setstate__(self, state: Mapping[str, object]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)

    def __post_init__(self) -> None:
        if not all(isinstance(group, Control) for group in self.control_groups):
            raise TypeError(f"Design.control_groups must be keyed by causal.design.Control, got {', '.join(self.control_groups)}")

    @property
    def rows(self) -> int:
        """Number of authority-years."""
        return len(self.outcome)

    @property
    def row_count(self) -> int:
        """Number of observations: the people behind the rows where rows are weighed by them, otherwise the rows."""
        return round(float(self.counts.sum())) if self.counts is not None and self.weighs_people else self.rows

    @property
    def places(self) -> int:
        """Number of authorities: of the clusters where rows are groups of people in an authority, otherwise of `authorities`."""
        return len(self.authorities) if self.counts is None else len(self.clusters)

    @property
    def weighs_people(self) -> bool:
        """Whether rows are weighed by the people behind them without the question having asked for it."""
        return self.weights is not None and self.counts is not None and self.question.weights is None

    @property
    def absorbing(self) -> Ints:
        """Shape (rows,), codes of whose constant effect is absorbed; rows of one stand together."""
        return self.authority if self.effect is None else self.effect

    @property
    def years(self) -> Ints:
        """The outcome years that it has, sorted; shape (years,)."""
        first = int(self.year.min())
        return np.asarray(np.flatnonzero(np.bincount(self.year - first)) + first, dtype=np.int64)

    @property
    def root_weights(self) -> Floats:
        """Shape (rows,), the roots of the weights; ones where all rows count alike."""
        return np.ones(self.rows) if self.weights is None else np.sqrt(self.weights)

    @property
    def balanced(self) -> bool:
        """Whether every authority is seen in the same years."""
        return self.rows == len(self.authorities) * len(self.years)

    def grid(self, values: Floats) -> Floats:
        """A column, shape (rows,), laid out by place and time: shape (authorities, years), NaN where a row is missing; raw, nothing absorbed."""
        years = self.years
        laid = np.full((len(self.authorities), len(years)), np.nan)
        laid[self.authority, np.searchsorted(years, self.year)] = values
        return laid

    def column(self, name: str) -> Floats:
        """One of `columns`, shape (rows,).

        Raises
        ------
        DesignError : there is none of that name.
        """
        if name not in self.columns:
            raise refusal(DesignError, "the design", "a column beside its adjustment set", repr(name), suggest(name, self.columns))
        return self.columns[name]

    def demean(self, matrix: Floats) -> Floats:
        """Subtract each authority's mean from each column, shape (rows, k), or the grand mean where authorities are not absorbed.

        Where rows have weights the means are weighted, and what is left is multiplied by `root_weights`: least squares on it is
        weighted least squares, with every product of two columns weighted once.
        """
        weights = None if self.weights is None else self.weights[:, None]
        if "authority" not in self.absorb:
            means = matrix.mean(axis=0) if weights is None else (weights * matrix).sum(axis=0) / weights.sum()
            return np.asarray(matrix - means if weights is None else (matrix - means) * np.sqrt(weights))
        starts = np.flatnonzero(np.r_[True, np.diff(self.absorbing) != 0])
        counts = np.diff(np.r_[starts, len(self.authority)])
        if weights is None:
            means = np.repeat(np.add.reduceat(matrix, starts, axis=0) / counts[:, None], counts, axis=0)
            return np.asarray(np.subtract(matrix, means, out=means))
        means = np.add.reduceat(weights * matrix, starts, axis=0) / np.add.reduceat(weights, starts, axis=0)
        return np.asarray((matrix - np.repeat(means, counts, axis=0)) * np.sqrt(weights))

    def pooled(self, *, adjust: bool = True) -> Design:
        """The same rows without authority effects: with the year effects and all controls, or (adjust=False) with nothing held fixed."""
        if not adjust:
            return replace(
                self,
                absorb=(),
                controls=np.empty((self.rows, 0)),
                control_names=(),
                control_groups={},
                time_invariant=np.empty((self.rows, 0)),
                time_invariant_names=(),
                grouped={},
            )
        if "authority" not in self.absorb:
            return self
        at = self.controls.shape[1]
        groups = dict(self.control_groups)
        for i, name in enumerate(self.time_invariant_names):
            by_year = Control(name, by_year=True)
            groups[by_year if by_year in groups else Control(name)] = (*groups.get(by_year, ()), at + i)
        return replace(
            self,
            absorb=tuple(name for name in self.absorb if name != "authority"),
            controls=np.column_stack([self.controls, self.time_invariant]),
            control_names=(*self.control_names, *self.time_invariant_names),
            control_groups=groups,
            time_invariant=np.empty((self.rows, 0)),
            time_invariant_names=(),
        )

    def resample_clusters(self, clusters: Ints) -> Design:
        """The rows of some clusters, drawn once or more; a cluster drawn twice counts as two sets of authorities, but stays one cluster (and one fold).

        clusters : codes into `clusters`.
        """
        order = np.argsort(self.cluster, kind="stable")
        bounds = np.searchsorted(self.cluster[order], np.arange(len(self.clusters) + 1))
        counts = np.diff(bounds)[clusters]
        ends = np.cumsum(counts)
        rows = order[np.arange(ends[-1]) + np.repeat(bounds[clusters] - (ends - counts), counts)]
        copies = np.repeat(np.arange(len(clusters)), counts)
        # copies come in order, and each has its rows by authority, unless a cluster's authorities are mixed up among its rows
        place = copies * len(self.authorities) + self.authority[rows]
        if (np.diff(place) < 0).any():
            again = np.argsort(place, kind="stable")
            rows, copies, place = rows[again], copies[again], place[again]
        first = np.r_[True, np.diff(place) != 0]
        some = np.bincount(self.cluster[rows], minlength=len(self.clusters)) > 0
        return replace(
            self._at(rows),
            authority=np.cumsum(first) - 1,
            authorities=Copies(self.authorities, self.authority[rows[first]], copies[first]),
            cluster=(np.cumsum(some) - 1)[self.cluster[rows]],
            clusters=self.clusters if some.all() else tuple(self.clusters[c] for c in np.flatnonzero(some)),
            effect=None if self.effect is None else copies * (int(self.effect.max()) + 1) + self.effect[rows],
        )

    def subset(self, rows: Ints, step: str = "") -> Design:
        """Some of the rows, in their order, each once; authorities and clusters without a row are gone, and `step` says why.

        Parameters
        ----------
        rows : sorted indices, shape (kept,).
        step : why the others are left out, for the log of losses; "" keeps no log.

        Raises
        ------
        DesignError : fewer than ten authorities are left.
        """
        if len(rows) == self.rows:
            return self
        authorities, authority = np.unique(self.authority[rows], return_inverse=True)
        clusters, cluster = np.unique(self.cluster[rows], return_inverse=True)
        if len(authorities) < FEWEST_AUTHORITIES and self.identification.strategy != "series":
            raise refusal(
                DesignError,
                "the design",
                f"at least {FEWEST_AUTHORITIES} authorities, to say how sure an answer is",
                f"{len(authorities)} left ({step or 'of those chosen'})",
                "choose more of them",
            )
        all_stay = len(authorities) == len(self.authorities)
        gone = () if all_stay or not step else tuple(self.authorities[a] for a in np.setdiff1d(np.unique(self.authority), authorities).tolist())
        names = self.authorities if all_stay else _some(self.authorities, authorities)
        return replace(
            self._at(rows),
            authority=authority.astype(np.int64),
            authorities=names,
            cluster=cluster.astype(np.int64),
            clusters=self.clusters if len(clusters) == len(self.clusters) else tuple(self.clusters[c] for c in clusters),
            lost=(*self.lost, Loss(step=step, rows=self.rows - len(rows), authorities=gone)) if step else self.lost,
        )

    def _at(self, rows: Ints) -> Design:
        """Every array at these rows; codes are left as they are."""
        return replace(
            self,
            outcome=self.outcome[rows],
            treatment=self.treatment[rows],
            controls=self.controls[rows],
            time_invariant=self.time_invariant[rows],
            authority=self.authority[rows],
            cluster=self.cluster[rows],
            year=self.year[rows],
            region=self.region[rows],
            population=None if self.population is None else self.population[rows],
            weights=None if self.weights is None else self.weights[rows],
            columns={name: values[rows] for name, values in self.columns.items()},
            grouped={name: codes[rows] for name, codes in self.grouped.items()},
            counts=None if self.counts is None else self.counts[rows],
            effect=None if self.effect is None else self.effect[rows],
            modifiers=tuple(replace(m, values=m.values[rows], codes=m.codes[rows]) for m in self.modifiers),
        )

    def year_dummies(self) -> Floats:
        """Shape (rows, years − 1), raw; with `grouped`, each group's own year effects stand beside them, all of its years and every group but the first."""
        years = np.asarray(self.year[:, None] == self.years[1:], dtype=float)
        return years if not self.grouped else np.column_stack([years, *(self.cells(codes) for codes in self.grouped.values())])

    def cells(self, codes: Ints) -> Floats:
        """A column for each year of each group but the first, raw; shape (rows, years × (groups − 1)).

        codes : shape (rows,), the group of each row.
        """
        at = np.searchsorted(self.years, self.year)
        groups = np.unique(codes)[1:]
        cell = np.where(codes[:, None] == groups, at[:, None], -1)
        return (
            np.concatenate([cell[:, [k]] == np.arange(len(self.years)) for k in range(len(groups))], axis=1).astype(float) if len(groups) else cell[:, :0] * 1.0
        )

    def within(self, *matrices: Floats) -> list[Floats]:
        """Each matrix, shape (rows, k), without what is absorbed: authority means and year effects; scaled as `demean` says."""
        basis = self.basis(controls=False)
        return [self._residual(basis, matrix) for matrix in matrices]

    def basis(self, *, controls: bool = True) -> Floats:
        """Orthonormal columns, shape (rows, rank), of the year effects and, if asked, the controls, without authority means; not to be written to."""
        if controls not in self._bases:
            made = self._basis(controls)
            made.flags.writeable = False
            self._bases[controls] = made
        return self._bases[controls]

    def _basis(self, controls: bool) -> Floats:
        controls_and_years = self.controls if controls else np.empty((self.rows, 0))
        if "year" in self.absorb:
            controls_and_years = np.column_stack([self.year_dummies(), controls_and_years])
        return orthonormal(self.demean(controls_and_years)) if controls_and_years.shape[1] else controls_and_years

    def partial_out(self, matrix: Floats, basis: Floats | None = None) -> Floats:
        """The matrix, shape (rows, k), without authority means, year effects and the linear part of the controls.

        Parameters
        ----------
        matrix : shape (rows, k), raw columns.
        basis : shape (rows, p), as `basis()` gives it; None makes it anew.

        Returns
        -------
        residuals : shape (rows, k), in the units of the columns, each row times the root of its weight.
        """
        return self._residual(self.basis() if basis is None else basis, matrix)

    def nuisance_basis(self, basis: Floats) -> Floats:
        """All that is conditioned on and not nested in authorities, orthonormal: the basis, and the intercept where authorities are not absorbed."""
        root = self.root_weights
        return basis if "authority" in self.absorb else np.column_stack([root / np.linalg.norm(root), basis])

    def _residual(self, basis: Floats, matrix: Floats) -> Floats:
        residual = self.demean(matrix)
        residual -= basis @ (basis.T @ residual)
        return residual

    def treatment_variance(self) -> tuple[float, float]:
        """Sums of squares of the treatment: about its mean, and of what is left within what is absorbed (0 where nothing is).

        The years' part is solved from their sums, years × years, so that no dummy is written out.
        """
        centred, root = self.demean(self.treatment[:, None])[:, 0], self.root_weights
        weights = root**2
        about = self.treatment - weights @ self.treatment / weights.sum()
        total, left = float(weights @ about**2), float(centred @ centred)
        if "year" in self.absorb:
            years = self.years
            at = np.searchsorted(years, self.year)
            places = int(self.absorbing.max()) + 1 if "authority" in self.absorb else 1
            cell = self.absorbing * len(years) + at if places > 1 else at
            count = np.bincount(cell, weights=weights, minlength=places * len(years)).reshape(places, len(years))
            count = count[count.any(axis=1)]
            gram = np.diag(count.sum(axis=0)) - count.T @ (count / count.sum(axis=1, keepdims=True))
            sums = np.bincount(at, weights=root * centred, minlength=len(years))
            left -= float(sums @ np.linalg.lstsq(gram, sums, rcond=1e-12)[0])
        return total, left if left > 1e-12 * total else 0.0

    @property
    def absorbed_rank(self) -> int:
        """Coefficients besides the treatment that are not nested in clusters: intercept or year effects, and controls."""
        return int(self.basis().shape[1]) + ("authority" not in self.absorb)


def whole_units(design: Design) -> tuple[Ints, int]:
    """Who moves together, shape (rows,) and how many: the authority, or the cluster where one holds several authorities."""
    of = np.full(len(design.authorities), -1, dtype=np.int64)
    of[design.authority] = design.cluster
    if (of[design.authority] == design.cluster).all() and len(design.clusters) < len(design.authorities):
        return design.cluster, len(design.clusters)
    return design.authority, len(design.authorities)


def design(panel: Panel, question: Question, identification: Identification) -> Design:
    """Arrange the panel as the identified question asks.

    Parameters
    ----------
    panel : values and units.
    question : treatment and outcome are columns of it.
    identification : what is adjusted for; `authority` and `year` in it are absorbed as fixed effects.

    Raises
    ------
    DesignError : a treatment that never varies; fewer than ten authorities; no usable rows.
    NotEstimable : a treatment or an outcome that does not vary within what is absorbed and adjusted for, or an outcome that is the treatment again.
    DataError : the panel lacks a column that is needed.
    """
    outcome_variable, treatment_variable = panel.variable(question.outcome), panel.variable(question.treatment)
    frame = panel.frame
    once = {variable.name for variable in panel.variables if variable.varies == "authority"}
    absorb = tuple(name for name in PLACE_AND_TIME if name in identification.adjust_for and (name != "year" or len(panel.years) > 1))
    lag = 0 if question.treatment in once else question.lag
    words = [f"The treatment, {treatment_variable.label}, is dated {lag} year{'s' * (lag != 1)} before the outcome."] if lag else []
    if absorb:
        words.append(f"Absorbed as fixed effects: {' and '.join(absorb)}.")

    apart = spacing(panel.years)
    if lag and apart > 1 and lag % apart:
        raise refusal(
            DesignError,
            panel.title,
            f"a row with a treatment {count(lag, 'year')} before it (question.lag={lag})",
            f"years that are {apart} apart ({', '.join(map(str, panel.years[:4]))}, …)",
            f"take  question.lag={max(lag // apart, 1) * apart}  or another multiple of {apart}",
        )

    columns = {question.outcome: frame[question.outcome], question.treatment: panel.shift(question.treatment, -lag)}
    linear: list[str] = []
    time_invariant: list[str] = []
    grouped: list[str] = []
    for name in identification.adjust_for:
        bare, by = undated(name)
        if bare in PLACE_AND_TIME:
            continue
        if bare in GROUPINGS and bare not in panel.names:
            if name in identification.by_year or "authority" not in absorb:
                grouped.append(name)
            else:
                words.append(f"The {bare} does not change in time and is part of the authority effect.")
            continue
        constant = bare in once
        columns[name] = panel.shift(bare, 0 if constant else by)
        if constant and "authority" in absorb:
            time_invariant.append(name)
            if name not in identification.by_year:
                words.append(f"{panel.variable(bare).label} does not change in time and is part of the authority effect.")
                continue
        linear.append(name)

    table = pd.DataFrame(columns)
    for name in question.modifiers:
        table[f"modifier {name}"] = base_year(panel, name)
    if question.weights is not None:
        table[f"weight {question.weights}"] = panel.frame[panel.variable(question.weights).name]
    behind = {key: panel.frame[name] for key, name in (("n", outcome_variable.row_count), ("w", outcome_variable.weight)) if name is not None}
    kept, lost = complete(panel, table, lag)
    shared = effects(panel, table)
    if "authority" in absorb:
        counts = kept.groupby(table.index.get_level_values("authority") if shared is None else shared).transform("sum")
        single = kept & (counts == 1)
        if single.any():
            lost.append(
                Loss(
                    step="only one year left, nothing to compare within the authority",
                    rows=int(single.sum()),
                    authorities=tuple(table.index[single].unique("authority")),
                )
            )
            kept &= ~single
    table = table[kept]
    codes, authorities = pd.factorize(table.index.get_level_values("authority"))
    if len(authorities) < FEWEST_AUTHORITIES and identification.strategy != "series":
        steps = "; ".join(f"{loss.step}: {loss.rows} rows" for loss in lost) or "nothing was lost on the way"
        raise refusal(
            DesignError,
            panel.title,
            f"at least {FEWEST_AUTHORITIES} authorities with everything that the question needs, to say how sure an answer is",
            f"{count(len(authorities), 'authority', 'authorities')} ({steps})",
            "fill what is missing, or ask for fewer columns; one place against its own past is  estimator=interrupted_series question.target=ATT",
        )
    people = {key: column.reindex(table.index).to_numpy(dtype=float) for key, column in behind.items()}
    if question.weights is None and people and not question.places_alike:
        words.append("Each authority-year is a mean over people and counts by them, so that every person counts alike.")
    if question.weights is not None:
        words.append(f"Each authority-year counts by its {panel.variable(question.weights).label}.")
    year = table.index.get_level_values("year").to_numpy(dtype=np.int64)
    controls, names, groups = control_columns(table, linear, identification, year, words)
    words += breaks(panel, {question.outcome: 0, question.treatment: -lag} | {bare: by for bare, by in map(undated, linear)}, year)
    cluster_names = panel.clusters(list(authorities)).to_numpy()
    cluster_codes, clusters = pd.factorize(cluster_names, sort=True)
    regions = panel.places["region"].reindex(authorities).fillna("").to_numpy(dtype=str) if "region" in panel.places else np.full(len(authorities), "")
    made = Design(
        question=question,
        identification=identification,
        outcome=table[question.outcome].to_numpy(dtype=float),
        treatment=table[question.treatment].to_numpy(dtype=float),
        controls=controls,
        control_names=names,
        control_groups=groups,
        time_invariant=table[time_invariant].to_numpy(dtype=float),
        time_invariant_names=tuple(time_invariant),
        absorb=absorb,
        authority=codes.astype(np.int64),
        authorities=tuple(str(a) for a in authorities),
        cluster=cluster_codes[codes].astype(np.int64),
        clusters=tuple(str(c) for c in clusters),
        year=year,
        region=regions[codes],
        population=frame[panel.population].reindex(table.index).to_numpy(dtype=float) if panel.population else None,
        modifiers=tuple(cut_into_groups(panel, name, table[f"modifier {name}"].to_numpy(), codes, question.groups) for name in question.modifiers),
        outcome_variable=outcome_variable,
        treatment_variable=treatment_variable,
        lost=tuple(lost),
        words=tuple(words),
        weights=row_weights(question, table, people.get("w", people.get("n"))),
        counts=people.get("n"),
        effect=effects(panel, table),
        columns={name: column.reindex(table.index).to_numpy(dtype=float) for name, column in beside(panel, question, identification, lag).items()},
    )
    if grouped:
        made = with_group_years(made, {name: np.unique(made.region, return_inverse=True)[1].astype(np.int64) for name in grouped})
        made = replace(made, words=(*made.words, f"Absorbed too: {' and '.join(f'{name} × year' for name in grouped)}."))
    made = _without_collinear(made)
    _must_vary(made, panel)
    return made


def effects(panel: Panel, table: pd.DataFrame) -> Ints | None:
    """Codes of whose constant effect each row has, shape (rows,), where the panel says that authorities share one; None where each has its own.

    Parameters
    ----------
    panel : whose places may have an `effect`.
    table : the rows, indexed by (authority, year) and sorted, so that authorities with one effect must stand together.
    """
    if "effect" not in panel.places:
        return None
    names = panel.places["effect"].reindex(table.index.get_level_values("authority"))
    return np.asarray(pd.factorize(names)[0], dtype=np.int64)


def _without_collinear(made: Design) -> Design:
    """The design without controls that are collinear with earlier ones or with what is absorbed; the answer is the same, and which they are is known.

    One that is constant within authorities stays for estimators that do not absorb these.
    """
    known = made.basis(controls=False)
    kept: dict[Control, Floats] = {}
    dropped: list[Dropped] = []
    lasting: list[Control] = []
    for group, at in made.control_groups.items():
        raw = made.controls[:, list(at)]
        within = made.demean(raw)
        residualised = within - known @ (known.T @ within)
        about, size, rest = (np.linalg.norm(m, axis=0) for m in ((raw - raw.mean(axis=0)) * made.root_weights[:, None], within, residualised))
        if (size <= GONE * about).all() and "authority" in made.absorb:
            dropped.append(Dropped(name=group, by=("authority",)))
            lasting.append(group)
        elif (rest <= np.maximum(COLLINEAR * size, ROUNDING * about)).all():
            dropped.append(Dropped(name=group, by=_told_by(made, within, kept)))
        else:
            kept[group] = within
            known = np.column_stack([known, orthonormal(residualised.copy())])
    if not dropped:
        return made
    columns = [i for group in kept for i in made.control_groups[group]]
    place = {i: new for new, i in enumerate(columns)}
    said = [one for one in made.words if not one.startswith("Adjusted for: ")]
    return replace(
        made,
        controls=made.controls[:, columns],
        control_names=tuple(made.control_names[i] for i in columns),
        control_groups={group: tuple(place[i] for i in made.control_groups[group]) for group in kept},
        time_invariant=np.column_stack([made.time_invariant, *(made.controls[:, list(made.control_groups[group])] for group in lasting)]),
        time_invariant_names=(*made.time_invariant_names, *(made.control_names[i] for group in lasting for i in made.control_groups[group])),
        dropped=tuple(dropped),
        words=(*said, *([f"Adjusted for: {', '.join(kept)}."] if kept else []), *(one.words for one in dropped)),
    )


def _told_by(made: Design, within: Floats, kept: Mapping[Control, Floats]) -> tuple[str, ...]:
    """The fewest of the earlier controls that tell a column: the absorbed alone, one control, or all of them."""
    years = orthonormal(made.demean(made.year_dummies())) if "year" in made.absorb else np.empty((made.rows, 0))
    size = np.linalg.norm(within, axis=0)
    for names in ((), *((name,) for name in kept)):
        basis = orthonormal(np.column_stack([years, *(kept[name] for name in names)]))
        if (np.linalg.norm(within - basis @ (basis.T @ within), axis=0) <= GONE * size).all():
            return names or tuple(made.absorb) or ("the constant",)
    return tuple(kept)


def with_group_years(made: Design, grouped: Mapping[str, Ints]) -> Design:
    """The design with each group's own year effects absorbed too; where it absorbs no years, as controls.

    Parameters
    ----------
    made : as it was.
    grouped : name of a grouping → codes, shape (rows,).
    """
    if "year" in made.absorb:
        return replace(made, grouped={**made.grouped, **grouped})
    names, groups, columns = list(made.control_names), dict(made.control_groups), [made.controls]
    for name, codes in grouped.items():
        cells = made.cells(codes)
        groups[Control(name, by_year=True)] = tuple(range(len(names), len(names) + cells.shape[1]))
        names += [f"{name} × year {k}" for k in range(1, cells.shape[1] + 1)]
        columns.append(cells)
    return replace(made, controls=np.column_stack(columns), control_names=tuple(names), control_groups=groups)


def _must_vary(made: Design, panel: Panel) -> None:
    """Treatment and outcome must vary once what is absorbed and adjusted for is taken out, and must not be one column."""
    question = made.question
    name, outcome = question.treatment, question.outcome
    spread = np.ptp(made.treatment)
    if spread == 0:
        raise refusal(
            DesignError,
            panel.title,
            "a treatment that varies",
            f"{name}, which is {made.treatment[0]:g} in all {made.rows} usable rows",
            "ask with another treatment, or give more years or authorities",
        )
    within = " and ".join(made.absorb) or "the adjustment set"
    fixed = ", ".join([*made.absorb, *(f"{name} × year" for name in made.grouped), *made.control_groups])
    residualised = made.partial_out(np.column_stack([made.treatment, made.outcome]))
    about = [np.linalg.norm(column - column.mean()) for column in (made.treatment, made.outcome)]
    if np.linalg.norm(residualised[:, 0]) <= GONE * about[0]:
        raise NotEstimable(
            f"{panel.title}: {name} is not estimable within {within}: nothing of it is left once {fixed} are held fixed. "
            "Ask with a treatment that changes within an authority (a yearly measure), or compare between authorities and call it an association"
        )
    if about[1] <= ROUNDING * np.abs(made.outcome).max() or np.linalg.norm(residualised[:, 1]) <= GONE * about[1]:
        what = (
            f"is {made.outcome[0]:g} in all {made.rows} usable rows"
            if np.ptp(made.outcome) == 0
            else f"does not vary once {fixed or 'its mean'} are held fixed"
        )
        raise NotEstimable(
            f"{panel.title}: {outcome} {what}, so that no effect on it can be estimated; nothing that differs is there to explain. "
            "Look whether the column is the one that was meant, or ask for an outcome that changes",
            "outcome_fixed",
        )
    if _one_column(residualised[:, 1], residualised[:, 0]):
        raise NotEstimable(
            f"{panel.title}: {outcome} and {name} are one column but for scale and what is held fixed, so that the effect of one on the other is an identity "
            "and no finding. Look whether the outcome was copied or computed from the treatment",
            "copy",
        )


def _one_column(left: Floats, right: Floats) -> bool:
    """Whether two columns are the same but for scale."""
    away = left - right * float(left @ right) / float(right @ right)
    return bool(away @ away <= PERFECT * (left @ left))
