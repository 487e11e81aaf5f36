"""One row for each authority, its treatment taken up or not: what estimators that compare two kinds of authority share.

Rows of a panel are never pooled: each authority gives its outcome's change between two windows of years, whether it took the treatment up in
between, and what was known of it in the first window (`causal.windows`); a cross-section is such a design already. Here too are the
propensity of a logistic regression, the weights made of it, and how comparable treated and untreated are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from causal.arrays import Floats, Ints
from causal.design import Control, Design
from causal.errors import ConfigError, DesignError, EstimationError
from causal.estimand import Estimand, Held
from causal.estimate import feedback, thin
from causal.estimators.machinery.transformed import scaled
from causal.inference.clustered import Fit, cluster_sums
from causal.knobs import is_number, is_whole
from causal.needs import Need
from causal.windows import between, windows

Years = tuple[int, int] | None
Target = Literal["ATE", "ATT"]
TARGETS = "ATE, ATT; every authority alike"
FEWEST_OF_A_KIND = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CrossSection:
    """One row for each authority, its treatment 0 or 1.

    Parameters
    ----------
    design : absorbs nothing; its question asks for 0 against 1 (`contrast` is 1, or −1 where 0 is the question's treated level).
    on : shape (rows,), 1.0 where the treatment is 1.
    features : shape (rows, k), what to adjust for, each of mean 0 and standard deviation 1.
    whom : 1 or 0 where the average is over authorities so treated (the ATT), None over all (the ATE).
    windows : the outcome years compared; empty where the data have one row for each authority already.
    half : authorities that took it up only within the last window.
    changed : whether the outcome is a change between windows, which compares authorities with themselves.
    """

    design: Design
    on: Floats
    features: Floats
    whom: int | None
    windows: tuple[tuple[int, int], ...] = ()
    half: int = 0
    changed: bool = False

    @property
    def target(self) -> Target:
        """As asked, and as honoured."""
        return self.design.question.target

    @property
    def counted(self) -> Floats:
        """Shape (rows,), 1.0 for those the average is over."""
        return np.ones(len(self.on)) if self.whom is None else np.asarray(self.on == self.whom, dtype=float)

    def estimand(self, model: str, *, weighting: str = "places") -> Estimand:
        """The average effect on authorities, or on the treated ones, modelled so."""
        return Estimand(
            family="average",
            comparison="changes" if self.changed else "levels" if self.windows else "between",
            population="treated" if self.target == "ATT" else "all",
            weighting=weighting,
            windows=self.windows,
            model=model,
        )

    def held(self, design: Design) -> Held:
        """What is conditioned on: a change between windows compares authorities with themselves."""
        return Held.by(design, authority=self.changed)

    @property
    def contrast(self) -> float:
        """+1 or −1, what turns the effect of 1 against 0 into the question's."""
        return self.design.question.contrast


def check_windows(before: Any, after: Any) -> tuple[Years, Years]:
    """Two windows from a configuration, each null or [first year, last year].

    Raises
    ------
    ConfigError : something else.
    """
    made: list[Years] = []
    for key, window in (("before", before), ("after", after)):
        if window is None:
            made.append(None)
            continue
        years = list(window) if isinstance(window, Sequence) and not isinstance(window, str) else []
        if len(years) != 2 or any(not is_whole(year) for year in years):
            raise ConfigError(f"{key} must be [first year, last year], or null for the two years at that end of the data, got {window!r}")
        made.append((years[0], years[1]))
    return made[0], made[1]


@lru_cache(maxsize=1)  # what an estimator needs is seen on the rows that it then takes
def cross_section(design: Design, *, before: Years, after: Years, base_outcome: bool = True, change: bool = True) -> CrossSection:
    """One row for each authority: as the design has it, or between two windows of its years.

    Parameters
    ----------
    base_outcome : whether the outcome's level in the first window is adjusted for.
    change : whether the outcome is its change between the windows, or its level in the last.

    Raises
    ------
    DesignError : a cross-section whose treatment has not the question's two values; windows in which nobody or everybody takes it up;
        fewer than five authorities of a kind.
    """
    question, half, panel = design.question, 0, design.rows != len(design.authorities)
    if not panel:
        two = sorted((question.control, question.treated))
        if not np.array_equal(np.unique(design.treatment), two):
            values = np.unique(design.treatment)
            raise DesignError(
                f"one row for each authority takes a treatment of two values, {two[0]:g} and {two[1]:g}, and {question.treatment} has {len(values)} "
                f"from {values[0]:g} to {values[-1]:g}; make a column of two values, or ask with  question.control=… question.treated=…"
            )
        years = design.year_dummies() if "year" in design.absorb else np.empty((design.rows, 0))
        columns = np.column_stack([design.controls, design.nested, years])
        names = (*design.control_names, *design.nested_names, *(f"year {year}" for year in design.years[1:][: years.shape[1]]))
        up = question.contrast > 0
        made = replace(
            design,
            question=replace(question, control=0.0 if up else 1.0, treated=1.0 if up else 0.0),
            treatment=(design.treatment == two[1]).astype(float),
            controls=columns,
            control_names=names,
            control_groups={Control(name): (i,) for i, name in enumerate(names)},
            nested=np.empty((design.rows, 0)),
            nested_names=(),
            absorb=(),
        )
        spans: tuple[tuple[int, int], ...] = ()
    else:
        made = between(design, before=before, after=after, change=change)
        first, last = windows(design, before, after)
        if not base_outcome:
            kept = tuple(range(1, made.controls.shape[1]))
            names = tuple(made.control_names[i] for i in kept)
            made = replace(made, controls=made.controls[:, kept], control_names=names, control_groups={Control(name): (i,) for i, name in enumerate(names)})
        spans = (first, last)
        half = _half_treated(design, made, last)
    on = made.treatment
    for kind, number in (("treated", int(on.sum())), ("untreated", int(len(on) - on.sum()))):
        if number < FEWEST_OF_A_KIND:
            raise DesignError(
                f"{number} authorities are {kind}, and at least {FEWEST_OF_A_KIND} are wanted to compare with; choose other windows or another level"
            )
    whom = None if made.question.target == "ATE" else int(made.question.treated)
    return CrossSection(design=made, on=on, features=scaled(made.controls), whom=whom, windows=spans, half=half, changed=panel and change)


def _half_treated(design: Design, made: Design, last: tuple[int, int]) -> int:
    """Adopters that some year of the last window still saw on the other side of the level."""
    inside = (design.year >= last[0]) & (design.year <= last[1])
    share = (design.treatment - design.question.control) / design.question.contrast
    # `between` turns the question round where authorities move to its control level
    turned = made.question.contrast < 0
    reached = share <= 1e-9 if turned else share >= 1 - 1e-9
    late = np.bincount(design.authority[inside & ~reached], minlength=len(design.authorities)) > 0
    names = {design.authorities[a] for a in np.flatnonzero(late)}
    return sum(made.authorities[a] in names for a in made.authority[made.treatment == 1]) if names else 0


def _two_kinds(estimator: Any, design: Design) -> str | None:
    try:
        estimator.rows(design)
    except DesignError as why:
        return str(why)
    return None


def _both_in_folds(estimator: Any, design: Design) -> str | None:
    try:
        made = estimator.rows(design)
    except DesignError:
        return None  # said by the need for two kinds
    least = min(len(np.unique(made.design.cluster[made.on == kind])) for kind in (0.0, 1.0))
    if least >= 2 * estimator.folds:
        return None
    return f"{estimator.folds} folds take at least {2 * estimator.folds} treated and as many untreated clusters, and of one kind there are {least}"


TWO_KINDS = Need("authorities that take the treatment up and others that do not", _two_kinds)
BOTH_IN_FOLDS = Need("twice as many clusters of either kind as folds", _both_in_folds)


def check_clip(clip: float) -> None:
    """Refuse a bound on propensities that is none.

    Raises
    ------
    ConfigError : not between 0.001 and 0.2.
    """
    if not is_number(clip) or not 0.001 <= clip <= 0.2:
        raise ConfigError(f"clip must lie between 0.001 and 0.2 (propensities are kept that far from 0 and 1), got {clip!r}")


def logistic(made: CrossSection) -> Floats:
    """Propensities of a logistic regression without penalty, shape (rows,), by Newton's steps.

    Raises
    ------
    EstimationError : the covariates tell some treatments for certain, so that there is nobody to compare with.
    """
    matrix = np.column_stack([np.ones(len(made.on)), made.features])
    slopes = np.zeros(matrix.shape[1])
    for _ in range(60):
        chance = 1 / (1 + np.exp(-np.clip(matrix @ slopes, -500, 500)))
        bend = chance * (1 - chance)
        # a generalised inverse: columns told by others change no propensity
        step = np.linalg.lstsq((matrix * bend[:, None]).T @ matrix, matrix.T @ (made.on - chance), rcond=1e-12)[0]
        slopes = slopes + step
        if np.abs(matrix @ step).max() < 1e-10:
            return np.asarray(1 / (1 + np.exp(-(matrix @ slopes))))
        if np.abs(matrix @ slopes).max() > 300:
            break
    raise EstimationError(
        f"the covariates ({', '.join(made.design.control_names)}) tell for certain who was treated, so that nobody is left to compare with; "
        "adjust for fewer of them with  adjust_for=[…], or choose other windows or another level"
    )


def clipped(made: CrossSection, chance: Floats, clip: float) -> Floats:
    """Propensities kept from the ends at which their weights explode: both for the ATE, for the ATT only those of the comparison."""
    low = clip if made.whom in (None, 0) else 0.0
    high = 1 - clip if made.whom in (None, 1) else 1.0
    return np.clip(chance, low, high)


def weights(made: CrossSection, chance: Floats) -> Floats:
    """What each authority counts among those with the treatment 1 and 0, shape (rows, 2); not normalised."""
    on, off = made.on, 1 - made.on
    if made.whom is None:
        return np.column_stack([on / chance, off / (1 - chance)])
    if made.whom == 1:
        return np.column_stack([on, off * chance / (1 - chance)])
    return np.column_stack([on * (1 - chance) / chance, off])


def overlap(made: CrossSection, chance: Floats, clip: float | None) -> tuple[dict[str, float | None], tuple[str, ...], tuple[str, ...]]:
    """How comparable treated and untreated are: diagnostics, concerns, and notes on what was clipped.

    chance : shape (rows,), as learnt, before clipping; clip : None where no weights are used.
    """
    kept = clipped(made, chance, 1e-6 if clip is None else clip)
    count = weights(made, kept)
    with np.errstate(invalid="ignore", divide="ignore"):
        effective = count.sum(axis=0) ** 2 / (count**2).sum(axis=0)
    near = np.minimum(chance, 1 - chance)
    if made.whom is not None:  # only a comparison authority that looks like the counted ones can weigh too much
        near = 1 - chance if made.whom == 1 else chance
    found: dict[str, float | None] = {
        "lowest propensity": float(chance.min()),
        "highest propensity": float(chance.max()),
        "share with propensity beyond .02": float((np.minimum(chance, 1 - chance) < 0.02).mean()),
        "share with propensity beyond .05": float((np.minimum(chance, 1 - chance) < 0.05).mean()),
        "effective treated": float(effective[1 - made_off(made)]),
        "effective untreated": float(effective[made_off(made)]),
    }
    said, notes = [], []
    share = float((near < 0.02).mean())
    if share > 0.02:
        said.append(f"{share:.0%} of authorities have a propensity within .02 of certainty: for them there is hardly anybody to compare with")
    arms = np.array([made.on.sum(), len(made.on) - made.on.sum()])
    for j, kind in enumerate(("1", "0")):
        if clip is not None and effective[j] < 0.25 * arms[j] and made.whom != 1 - j:
            said.append(f"the weights make {arms[j]:.0f} authorities with the treatment {kind} count as {effective[j]:.0f}")
    moved = int((kept != chance).sum())
    if clip is not None and moved:
        notes.append(f"Propensities of {moved} authorities were set to the bounds {clip:g} and {1 - clip:g}; none was left out.")
        if moved > 0.05 * len(chance):
            said.append(f"{moved} of {len(chance)} propensities were clipped, so the effect leans on the outcome's model or on few authorities there")
    if made.half:
        said.append(f"{made.half} authorities took the treatment up within the last window, so that their outcome is treated in part only")
    return found, tuple(said), tuple(notes)


def threats(made: CrossSection, residual: Floats) -> tuple[str, ...]:
    """Concerns from what the graph says of later treatment, and where very few authorities carry the comparison.

    residual : shape (rows,), the treatment without what is adjusted for.
    """
    return (*(feedback(made.design) if made.changed else ()), *thin(made.design, residual))


def made_off(made: CrossSection) -> int:
    """Column of `weights` that holds those at the question's control level: 1 unless the question is turned round."""
    return 1 if made.contrast > 0 else 0


def averaged(above: Floats, below: Floats, made: CrossSection, words: str, more: Floats | None = None) -> Fit:
    """Ratios of sums, Σ above / Σ below, shape (rows, k) each, with their clustered influence; G/(G−1), t(G−1).

    more : influence beside that of the ratio, shape (rows, k), for the whole sample's estimate.
    """
    effect = above.sum(axis=0) / below.sum(axis=0)
    influence = (above - effect * below) / below.sum(axis=0)
    if more is not None:
        influence = influence + more
    number = len(made.design.clusters)
    return Fit(
        coefficients=effect,
        scores=cluster_sums(influence, made.design.cluster, number) * np.sqrt(number / (number - 1)),
        df=np.full(len(effect), number - 1.0),
        residuals=influence[:, 0],
        inference=f"{words}, t(G−1)",
    )


def members(made: CrossSection) -> list[tuple[str, tuple[str, ...], Ints, Floats]]:
    """For each modifier: label, groups with both kinds of authority, codes among these (−1: in none), shape (rows, groups) membership."""
    found = []
    for modifier in made.design.modifiers:
        inside = modifier.codes[:, None] == np.arange(len(modifier.groups))
        both = np.flatnonzero((inside & (made.on == 1)[:, None]).any(axis=0) & (inside & (made.on == 0)[:, None]).any(axis=0))
        if len(both):
            place = np.full(len(modifier.groups), -1)
            place[both] = np.arange(len(both))
            found.append((modifier.name, tuple(modifier.groups[b] for b in both), place[modifier.codes].astype(np.int64), inside[:, both].astype(float)))
    return found
