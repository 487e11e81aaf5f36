"""One row for each authority, its treatment taken up or not: what estimators that compare two kinds of authority share.

Rows of a panel are never pooled (`long_difference` makes one row of two windows of years). Here is the noun, and what is done with it: the propensity of
a logistic regression, the weights made of it, and how comparable treated and untreated are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from causal.arrays import Floats, Ints, orthonormal
from causal.design import Design
from causal.errors import ConfigError, EstimationError, refusal
from causal.estimand import Conditioning, Estimand
from causal.inference.clustered import Fit, cluster_sums, clustered_least_squares, joint_test
from causal.knobs import is_number
from causal.regression import feedback, warn_concentrated_leverage

Target = Literal["ATE", "ATT"]
ALARM = 0.05  # a joint test of products below this is a concern
TARGETS = "ATE, ATT; every authority alike"


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
        """The average effect on authorities, or on the treated ones, modelled so.

        Parameters
        ----------
        model : words of how it was modelled.
        weighting : as `Estimand` has it; "places": every authority alike.
        """
        return Estimand(
            family="average",
            comparison="changes" if self.changed else "levels" if self.windows else "between",
            population="treated" if self.target == "ATT" else "all",
            weighting=weighting,
            windows=self.windows,
            model=model,
        )

    def conditioning(self, design: Design) -> Conditioning:
        """What is conditioned on: a change between windows compares authorities with themselves."""
        return Conditioning.by(design, authority=self.changed)

    @property
    def contrast(self) -> float:
        """+1 or −1, what turns the effect of 1 against 0 into the question's."""
        return self.design.question.contrast


def check_clip(clip: float) -> None:
    """Refuse a bound on propensities that is none.

    Raises
    ------
    ConfigError : not between 0.001 and 0.2.
    """
    if not is_number(clip) or not 0.001 <= clip <= 0.2:
        raise refusal(
            ConfigError, "clip", "a number between 0.001 and 0.2 (propensities are kept that far from 0 and 1)", repr(clip), "write  estimator.clip=0.01"
        )


def logistic(cross_section: CrossSection) -> Floats:
    """Propensities of a logistic regression without penalty, shape (rows,), by Newton's steps.

    Raises
    ------
    EstimationError : the covariates tell some treatments for certain, so that there is nobody to compare with.
    """
    matrix = np.column_stack([np.ones(len(cross_section.on)), cross_section.features])
    slopes = np.zeros(matrix.shape[1])
    for _ in range(60):
        propensity = 1 / (1 + np.exp(-np.clip(matrix @ slopes, -500, 500)))
        bend = propensity * (1 - propensity)
        # a generalised inverse: columns collinear with others change no propensity
        step = np.linalg.lstsq((matrix * bend[:, None]).T @ matrix, matrix.T @ (cross_section.on - propensity), rcond=1e-12)[0]
        slopes = slopes + step
        if np.abs(matrix @ step).max() < 1e-10:
            return np.asarray(1 / (1 + np.exp(-(matrix @ slopes))))
        if np.abs(matrix @ slopes).max() > 300:
            break
    raise refusal(
        EstimationError,
        "the covariates",
        f"treated and untreated authorities that are alike in {', '.join(cross_section.design.control_names)}",
        "ones that tell for certain who was treated, so that nobody is left to compare with",
        "adjust for fewer of them with  adjust_for=[…], or choose other windows or another level",
    )


def clipped(cross_section: CrossSection, propensity: Floats, clip: float) -> Floats:
    """Propensities kept from the ends at which their weights explode: both for the ATE, for the ATT only those of the comparison.

    Parameters
    ----------
    cross_section : gives the target.
    propensity : shape (rows,), propensity scores.
    clip : distance kept from 0 and 1.
    """
    low = clip if cross_section.whom in (None, 0) else 0.0
    high = 1 - clip if cross_section.whom in (None, 1) else 1.0
    return np.clip(propensity, low, high)


def weights(cross_section: CrossSection, propensity: Floats) -> Floats:
    """What each authority counts among those with the treatment 1 and 0, shape (rows, 2); not normalised (Hirano, Imbens & Ridder 2003).

    Parameters
    ----------
    cross_section : gives the target.
    propensity : shape (rows,), propensity scores, above 0 and below 1.
    """
    on, off = cross_section.on, 1 - cross_section.on
    if cross_section.whom is None:
        return np.column_stack([on / propensity, off / (1 - propensity)])
    if cross_section.whom == 1:
        return np.column_stack([on, off * propensity / (1 - propensity)])
    return np.column_stack([on * (1 - propensity) / propensity, off])


def overlap(cross_section: CrossSection, propensity: Floats, clip: float | None) -> tuple[dict[str, float | None], tuple[str, ...], tuple[str, ...]]:
    """How comparable treated and untreated are: diagnostics, concerns, and notes on what was clipped.

    Parameters
    ----------
    cross_section : one row an authority.
    propensity : shape (rows,), propensity scores as learnt, before clipping.
    clip : distance kept from 0 and 1; None where no weights are used.
    """
    kept = clipped(cross_section, propensity, 1e-6 if clip is None else clip)
    count = weights(cross_section, kept)
    with np.errstate(invalid="ignore", divide="ignore"):
        effective = count.sum(axis=0) ** 2 / (count**2).sum(axis=0)
    near = np.minimum(propensity, 1 - propensity)
    if cross_section.whom is not None:  # only a comparison authority that looks like the counted ones can weigh too much
        near = 1 - propensity if cross_section.whom == 1 else propensity
    found: dict[str, float | None] = {
        "lowest propensity": float(propensity.min()),
        "highest propensity": float(propensity.max()),
        "share with propensity beyond .02": float((np.minimum(propensity, 1 - propensity) < 0.02).mean()),
        "share with propensity beyond .05": float((np.minimum(propensity, 1 - propensity) < 0.05).mean()),
        "effective treated": float(effective[1 - made_off(cross_section)]),
        "effective untreated": float(effective[made_off(cross_section)]),
    }
    said, notes = [], []
    share = float((near < 0.02).mean())
    if share > 0.02:
        said.append(f"{share:.0%} of authorities have a propensity within .02 of certainty: for them there is hardly anybody to compare with")
    arms = np.array([cross_section.on.sum(), len(cross_section.on) - cross_section.on.sum()])
    for j, kind in enumerate(("1", "0")):
        if clip is not None and effective[j] < 0.25 * arms[j] and cross_section.whom != 1 - j:
            said.append(f"the weights make {arms[j]:.0f} authorities with the treatment {kind} count as {effective[j]:.0f}")
    moved = int((kept != propensity).sum())
    if clip is not None and moved:
        notes.append(f"Propensities of {moved} authorities were set to the bounds {clip:g} and {1 - clip:g}; none was left out.")
        if moved > 0.05 * len(propensity):
            said.append(f"{moved} of {len(propensity)} propensities were clipped, so the effect leans on the outcome's model or on few authorities there")
    if cross_section.half:
        said.append(f"{cross_section.half} authorities took the treatment up within the last window, so that their outcome is treated in part only")
    return found, tuple(said), tuple(notes)


def additive(cross_section: CrossSection) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is said of an outcome's model in which the treatment moves all alike: a concern where its products with the covariates tell more, and a note.

    The products are tested jointly, clustered, with covariates and treatment held fixed.
    """
    note = "The outcome's model is additive: one effect for all. Where effects differ by the covariates it averages them by residual treatment variance"
    columns = np.column_stack([np.ones(len(cross_section.on)), cross_section.on, cross_section.features])
    basis = orthonormal(columns)
    products = cross_section.features * cross_section.on[:, None]
    residualised = orthonormal(products - basis @ (basis.T @ products))
    number, k = len(cross_section.design.clusters), residualised.shape[1]
    if not k or k >= min(number, len(cross_section.on) - columns.shape[1]) - 1:
        return (), (f"{note}; too few authorities to see whether they do.",)
    outcome = cross_section.design.outcome - basis @ (basis.T @ cross_section.design.outcome)
    fit = clustered_least_squares(outcome, residualised, basis, cross_section.design.cluster, number, absorbed_rank=basis.shape[1])
    f, _, p_value = joint_test(fit.coefficients, fit.scores, float(fit.df.min()))
    if not np.isfinite(p_value):
        return (), (f"{note}; too few authorities to see whether they do.",)
    note = f"{note} (products with the covariates, jointly: F {f:.2f}, p {p_value:.2g})."
    if p_value >= ALARM:
        return (), (note,)
    return (f"effects differ by the covariates (p {p_value:.2g}), and the outcome's model is additive; take  estimator.interactions=true",), (note,)


def threats(cross_section: CrossSection, residual: Floats) -> tuple[str, ...]:
    """Concerns from what the graph says of later treatment, and where very few authorities carry the comparison.

    Parameters
    ----------
    cross_section : one row an authority.
    residual : shape (rows,), the treatment without what is adjusted for.
    """
    return (*(feedback(cross_section.design) if cross_section.changed else ()), *warn_concentrated_leverage(cross_section.design, residual))


def made_off(cross_section: CrossSection) -> int:
    """Column of `weights` that holds those at the question's control level: 1 unless the question is turned round."""
    return 1 if cross_section.contrast > 0 else 0


def averaged(above: Floats, below: Floats, cross_section: CrossSection, words: str, more: Floats | None = None) -> Fit:
    """Ratios of sums, Σ above / Σ below, with their clustered influence; G/(G−1), t(G−1).

    Parameters
    ----------
    above, below : shape (rows, k).
    cross_section : gives the clusters.
    words : how the error was got.
    more : influence beside that of the ratio, shape (rows, k), for the whole sample's estimate.
    """
    effect = above.sum(axis=0) / below.sum(axis=0)
    influence = (above - effect * below) / below.sum(axis=0)
    if more is not None:
        influence = influence + more
    number = len(cross_section.design.clusters)
    return Fit(
        coefficients=effect,
        scores=cluster_sums(influence, cross_section.design.cluster, number) * np.sqrt(number / (number - 1)),
        df=np.full(len(effect), number - 1.0),
        residuals=influence[:, 0],
        inference=f"{words}, t(G−1)",
    )


def members(cross_section: CrossSection) -> list[tuple[str, tuple[str, ...], Ints, Floats]]:
    """For each modifier: label, groups with both kinds of authority, codes among these (−1: in none), shape (rows, groups) membership."""
    found = []
    for modifier in cross_section.design.modifiers:
        inside = modifier.codes[:, None] == np.arange(len(modifier.groups))
        both = np.flatnonzero((inside & (cross_section.on == 1)[:, None]).any(axis=0) & (inside & (cross_section.on == 0)[:, None]).any(axis=0))
        if len(both):
            place = np.full(len(modifier.groups), -1)
            place[both] = np.arange(len(both))
            found.append((modifier.name, tuple(modifier.groups[b] for b in both), place[modifier.codes].astype(np.int64), inside[:, both].astype(float)))
    return found
