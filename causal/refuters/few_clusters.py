"""Would the conclusion stand if the error did not lean on many clusters?

A clustered error and its t are right when many clusters of like weight carry the comparison. Two answers that lean on less stand beside it. The restricted
wild cluster bootstrap multiplies each cluster's residuals by one random weight with the null imposed (Cameron, Gelbach & Miller 2008,
Bootstrap-based improvements for inference with clustered errors; Webb 2023, Reworking wild bootstrap-based inference for clustered errors, for a
dozen clusters or fewer). Randomisation inference deals whole residual histories anew among units seen in the same years and compares studentised
slopes (DiCiccio & Romano 2017, Robust permutation tests for correlation and regression coefficients; MacKinnon & Webb 2020, Randomization
inference for difference-in-differences with few treated clusters). Both are turned into intervals by asking which effects they do not reject.

What is compared is what the intervals rule out: no effect, an important increase, an important reduction, a slight effect. The check
fails where the usual interval rules out something that one of the others leaves open, after `tolerance` for the noise of the draws.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from causal.arrays import Floats, Ints
from causal.design import Design
from causal.inference.clustered import cluster_sums, effective_clusters
from causal.inference.wild import wild_bootstrap
from causal.knobs import at_least, one_of, whole_number
from causal.refutation import Family, Refutation, Role
from causal.refuters import kept_words, not_run, p_text, reporting, unsure, whole_units
from causal.refuters.machinery.exclusions import left_open, ruled_out
from causal.refuters.machinery.histories import alike, permute_histories, refit_permuted
from causal.trial import Setting, Trial
from causal.words import count, listed, places, span

FEWEST = 6  # clusters: with five, the signs alone cannot reach 5 %
FEW_FOR_SIGNS = 12
HALVINGS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class FewClusters:
    """Wild cluster bootstrap and randomisation inference beside the usual interval.

    Parameters
    ----------
    draws, refits : of the bootstrap and of the dealing for a linear estimator, and of the dealing where cross-fits left residuals;
        dealings for one that must be fitted again.
    weights : "rademacher" (±1), "webb" (six points), or "auto": Webb's for a dozen clusters or fewer.
    tolerance : another interval's length is divided by this before it counts, for the noise of the draws: at 999 the ends of a 95 % interval
        have a simulation error of 3 % of its half length. With refits the number of dealings that reach the actual |t| must exceed its chance.
    """

    family: ClassVar[Family] = "inference"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "few authorities"
    catches: ClassVar[str] = "false_finding"

    draws: int = 999
    refits: int = 20
    weights: str = "auto"
    tolerance: float = 1.05

    def __post_init__(self) -> None:
        whole_number("few_clusters.draws", self.draws, 99)
        whole_number("few_clusters.refits", self.refits, 3)
        one_of("few_clusters.weights", self.weights, ("auto", "rademacher", "webb"))
        at_least("few_clusters.tolerance", self.tolerance, 1)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "few_clusters"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        clusters = len(setting.fixed.clusters)
        return f"{count(clusters, 'cluster')} are too few for any of these tests; at least {FEWEST} are wanted" if clusters < FEWEST else None

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute what the interval rules out.

        Parameters
        ----------
        trial : any with an interval.
        rng : draws the wild bootstrap's weights, and permutes histories.
        """
        estimate, question = trial.estimate, trial.question
        report = reporting(
            self,
            asks="Does the conclusion stand with errors that do not lean on many clusters?",
            expected="A wild cluster bootstrap and dealt treatment histories leave out what the usual interval leaves out.",
            detects="An interval that is too narrow for its conclusion: few clusters, a few that weigh most, rows of a cluster taken as independent.",
            cannot_detect="Confounding, reverse causation and measurement error; shocks that clusters share with one another. "
            "An interval that rules nothing out has no conclusion to lose.",
        )
        if (why := unsure(trial) or self.unmet(trial)) is not None:
            return not_run(report, why)
        if estimate.lower is None or estimate.upper is None:
            return not_run(report, f"{estimate.estimator} gives no interval")
        made = trial.fixed if trial.score is None else trial.score.over
        clusters = len(made.clusters)
        usual = (estimate.lower, estimate.upper)
        units, number = whole_units(made)
        groups = alike(units, number, made)
        moved = sum(len(rows) for rows in groups)
        history = made.partial_out(made.treatment[:, None])[:, 0]
        numbers: dict[str, float | None] = {
            "clusters": float(clusters),
            "effective clusters": effective_clusters(history, made.cluster, clusters)[0],
            "usual p-value": estimate.p_value,
        }
        if not trial.linear:
            if moved < FEWEST:
                return not_run(report, "too few histories could be dealt: the others are observed in years that no other unit shares")
            # an estimator of two groups finds none in residuals
            whole = len(np.unique(made.treatment)) == 2
            return self._refitted(trial, report, usual, made.treatment if whole else history / made.root_weights + made.treatment.mean(), groups, rng, numbers)
        permuted = permute_histories(history / made.root_weights + made.treatment.mean(), groups, self.draws, rng) if moved >= FEWEST else None
        scale = question.contrast
        basis = made.basis()
        outcome, treatment = (made.partial_out(column[:, None], basis)[:, 0] for column in (made.outcome, made.treatment))
        points = self.weights if self.weights != "auto" else "webb" if clusters <= FEW_FOR_SIGNS else "rademacher"
        others = {
            "wild bootstrap": wild_bootstrap(
                outcome, treatment, made.nuisance_basis(basis), made.cluster, clusters, level=question.level, weights=points, draws=self.draws, rng=rng
            )
        }
        if permuted is not None:
            others["dealt histories"] = _randomised(made, outcome, treatment, made.partial_out(permuted, basis), question.level)
        decimals = places(max(abs(estimate.effect), abs(usual[0]), abs(usual[1])))
        said, fallen = [], []
        for name, (low, high, p_value) in others.items():
            lower, upper = sorted((float(low * scale), float(high * scale)))
            numbers |= {f"{name}: p-value": p_value, f"{name}: lower": _known(lower), f"{name}: upper": _known(upper)}
            how = f" ({points.capitalize()} weights)" if name == "wild bootstrap" else ""
            said.append(f"by {name}{how} {span(lower, upper, decimals)} ({p_text(p_value)})")
            shrunk = tuple(estimate.effect + (end - estimate.effect) / self.tolerance for end in (lower, upper))
            if opened := left_open(question, usual, (shrunk[0], shrunk[1])):
                fallen.append(f"by {name} {listed(opened)} still fits")
        words = f"The {question.level:.0%} interval is {span(*usual, decimals)} as reported, {listed(said)}. "
        if permuted is None:
            words += "Histories could not be dealt: too few units are observed in the same years. "
        if fallen:
            words += f"The conclusion changes: {listed(fallen)}."
        elif ruled_out(question, *usual):
            words += "What the reported one leaves out, the others leave out too."
        else:
            words += "The reported one rules nothing out, so there is no conclusion to lose."
        return report(found=words, p_value=None, survived=not fallen, numbers=numbers)

    def _refitted(
        self,
        trial: Trial,
        report: Callable[..., Refutation],
        usual: tuple[float, float],
        history: Floats,
        groups: list[Ints],
        rng: np.random.Generator,
        numbers: dict[str, float | None],
    ) -> Refutation:
        """Dealt histories only: is no effect at all still ruled out, as far as the number of refits can tell?"""
        from scipy import stats

        estimate, level = trial.estimate, 1 - trial.question.level
        draws = self.draws if trial.by_matrix else self.refits
        effects, errors = refit_permuted(trial, self.name, history, groups, draws, rng)
        if not np.isfinite(effects).any() and not trial.by_matrix:
            # an estimator that compares between authorities too finds no such difference in residuals
            effects, errors = refit_permuted(trial, self.name, trial.fixed.treatment, groups, draws, rng)
        good = np.isfinite(effects) & np.isfinite(errors) & (errors > 0)
        if good.sum() < max(3, draws // 2):
            return not_run(report, f"{estimate.estimator} gave a standard error in only {good.sum()} of {count(draws, 'refit')}")
        assert estimate.std_error is not None
        t = np.abs(effects[good] / errors[good])
        reached = int((t >= abs(estimate.effect / estimate.std_error)).sum())
        p_value = (1 + reached) / (1 + len(t))
        claims = usual[0] > 0 or usual[1] < 0
        survived = not claims or stats.binomtest(reached, len(t), level, alternative="greater").pvalue >= level
        words = f"The actual |t| was reached by {reached} of {count(len(t), 'dealing')} of whole histories ({p_text(p_value)}"
        words += f", usual {p_text(estimate.p_value)}). " if estimate.p_value is not None else "). "
        if not claims:
            words += "The reported interval includes 0, so there is no finding to lose."
        else:
            words += "The finding stands, as far as so few can tell." if survived else "No effect at all still fits."
        return report(
            found=words + kept_words(trial),
            p_value=None,
            survived=survived,
            lost=draws - int(good.sum()),
            numbers=numbers | {"dealt histories: p-value": p_value, "draws": float(len(t))},
        )


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _randomised(design: Design, outcome: Floats, treatment: Floats, permuted: Floats, level: float) -> tuple[float, float, float]:
    """Interval of the slope by inverting the test of dealt histories, and the p-value of a slope of 0.

    outcome, treatment : shape (rows,), dealt : shape (rows, draws), all residuals. Under a slope of b the outcome without b × treatment has nothing to
    do with the treatment; its slope and cluster scores on a dealt history are straight lines in b.
    """
    clusters = len(design.clusters)
    size = float(treatment @ treatment)
    slope = float(treatment @ outcome) / size
    scores = cluster_sums((treatment * (outcome - slope * treatment))[:, None], design.cluster, clusters)
    error = float(np.sqrt((scores**2).sum())) / size
    lengths = np.maximum((permuted**2).sum(axis=0), np.finfo(float).tiny)
    lines, sums = [], []
    for column in (outcome, treatment):
        at = column @ permuted / lengths
        lines.append(at)
        sums.append(cluster_sums(permuted * (column[:, None] - permuted * at), design.cluster, clusters))
    squares = [(sums[0] ** 2).sum(axis=0), (sums[0] * sums[1]).sum(axis=0), (sums[1] ** 2).sum(axis=0)]

    def p_value(b: float) -> float:
        variance = np.maximum(squares[0] - 2 * b * squares[1] + b**2 * squares[2], np.finfo(float).tiny)
        t = np.abs(lines[0] - b * lines[1]) * lengths / np.sqrt(variance)
        return float((1 + (t >= abs(slope - b) / error * (1 - 1e-9)).sum()) / (1 + len(t)))

    ends = []
    for way in (-1, 1):
        inside, outside = 0.0, 2.0
        while p_value(slope + way * outside * error) > 1 - level and outside < 1e6:
            inside, outside = outside, 2 * outside
        for _ in range(HALVINGS):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if p_value(slope + way * middle * error) > 1 - level else (inside, middle)
        ends.append(slope + way * outside * error)
    return ends[0], ends[1], p_value(0.0)
