"""How strongly would something unmeasured have to part matched authorities to take the finding away?

Two authorities matched on what was measured are, without hidden bias, as likely as one another to be the treated one. Rosenbaum's Γ says how far from that a
hidden cause may put them: odds of up to Γ to 1. At each Γ the signed-rank test has a largest possible p-value, and the Hodges–Lehmann effect a
range (Rosenbaum 2002, Observational Studies, 2nd edition, secs 4.3.3 and 4.3.4). The Γ at which the finding is lost says how sensitive it is.

The bounds are of pairs in which nobody stands twice, while nearest neighbours may be shared: so treated and untreated are paired anew by the estimator's
own distance, all of the rarer kind, with the least total distance (Rosenbaum 1989, Optimal matching for observational studies). Without an interval of its own
a matched estimate has here its only statement of chance; it leans on the pairs being alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from causal.arrays import Floats, Ints
from causal.errors import CausalError
from causal.estimate import Pairing
from causal.knobs import at_least
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, not_run, p_text, reporting
from causal.trial import Setting, Trial
from causal.words import count

SHOWN = (1.0, 1.25, 1.5, 2.0, 3.0)
FEWEST_PAIRS = 10
MOST = 1e3  # Γ beyond which nothing more is looked for


def signed_rank_p(differences: Floats, gamma: float) -> float:
    """Largest one-sided p-value of no effect against a positive one, whatever a hidden cause of strength Γ does (Rosenbaum 2002, sec. 4.3.3).

    differences : shape (pairs,), treated less untreated; those of 0 are ranked with the others and count for neither side, ties share their ranks.
    """
    from scipy import stats

    kept = differences != 0
    if not kept.any():
        return 1.0
    ranks = stats.rankdata(np.abs(differences))
    most = gamma / (1 + gamma)
    above, all_of = ranks[differences > 0].sum(), ranks[kept]
    return float(stats.norm.sf((above - most * all_of.sum()) / np.sqrt(most * (1 - most) * (all_of**2).sum())))


def hodges_lehmann(differences: Floats, gamma: float) -> tuple[float, float]:
    """Least and most the additive effect can be at Γ: where the signed-rank statistic equals its largest and smallest expectation (sec. 4.3.4)."""
    ends = []
    for share in (gamma / (1 + gamma), 1 / (1 + gamma)):
        pairs = np.sort((differences[:, None] + differences)[np.triu_indices(len(differences))] / 2)
        # the statistic at τ counts the Walsh averages above τ
        at = (1 - share) * len(pairs)
        low, high = int(np.ceil(at - 1e-9)), int(np.floor(at + 1e-9)) + 1
        ends.append(float((pairs[max(low - 1, 0)] + pairs[min(high - 1, len(pairs) - 1)]) / 2))
    return ends[0], ends[1]


def critical_gamma(differences: Floats, alpha: float) -> float:
    """The Γ from which on no effect is no longer rejected at α, one-sided; below 1 where it never is."""
    if signed_rank_p(differences, 1.0) > alpha:
        return 0.0
    low, high = 1.0, 2.0
    while signed_rank_p(differences, high) <= alpha and high < MOST:
        low, high = high, 2 * high
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if signed_rank_p(differences, middle) <= alpha else (low, middle)
    return low


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedBounds:
    """Rosenbaum bounds on matched pairs.

    Parameters
    ----------
    gamma : odds of treatment within a pair, at most, that the finding must stand.
    """

    family: ClassVar[Family] = "sensitivity"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "a hidden difference between matched places"
    catches: ClassVar[str] = "slight_matched_finding"

    gamma: float = 1.25

    def __post_init__(self) -> None:
        at_least("matched_bounds.gamma", self.gamma, 1)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "matched_bounds"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        if not hasattr(setting.estimator, "pairing") or not hasattr(setting.estimator, "rows"):
            return f"{setting.estimator.name} does not match authorities in pairs"
        return None

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Say how much hidden bias within pairs the finding stands.

        Parameters
        ----------
        trial : one row an authority, treated or not.
        rng : not used.
        """
        estimate, alpha = trial.estimate, (1 - trial.question.level) / 2
        report = reporting(
            self,
            asks="How far could something unmeasured part matched authorities before the finding is gone?",
            expected=f"Still significant where one of a pair may be {self.gamma:g} times as apt as the other to be treated.",
            detects="A finding that a slight hidden difference between matched authorities would undo.",
            cannot_detect="Whether there is such a difference. A finding that stands a large one is not thereby right.",
        )
        rows: Any = getattr(trial.estimator, "rows", None)
        pairing: Pairing | None = getattr(trial.estimator, "pairing", None)
        if (why := self.unmet(trial)) is not None:
            return not_run(report, why)
        try:
            made = rows(trial.design)
        except CausalError as why:
            return not_run(report, str(why).rstrip("."))
        if len(made.design.clusters) < len(made.on):
            return not_run(report, "authorities move together in clusters, and these bounds take pairs as independent")
        on, off = _pairs(made.on, made.features, pairing)
        if len(on) < FEWEST_PAIRS:
            return not_run(report, f"{count(len(on), 'pair')} are too few")
        effects = (made.design.outcome[on] - made.design.outcome[off]) * made.contrast
        up = 1.0 if np.median(effects) >= 0 else -1.0
        p_values = {gamma: signed_rank_p(up * effects, gamma) for gamma in sorted({*SHOWN, self.gamma})}
        ranges = {gamma: hodges_lehmann(effects, gamma) for gamma in p_values}
        critical = critical_gamma(up * effects, alpha)
        apart = np.abs(made.features[on].mean(axis=0) - made.features[off].mean(axis=0))
        numbers: dict[str, float | None] = {
            "pairs": float(len(on)),
            "effect in pairs (Hodges–Lehmann)": ranges[1.0][0],
            "Γ at which the finding is lost": critical or None,
            "largest difference of a covariate's mean between the kinds, in standard deviations": float(apart.max(initial=0.0)),
        }
        for gamma, (least, most) in ranges.items():
            numbers |= {f"Γ {gamma:g}: largest p-value": p_values[gamma], f"Γ {gamma:g}: least effect": least, f"Γ {gamma:g}: greatest effect": most}
        words = f"In {count(len(on), 'pair')} the effect is {amount(trial, ranges[1.0][0])} (Hodges–Lehmann; the estimate is {amount(trial, estimate.effect)}; "
        words += f"one-sided {p_text(p_values[1.0])} without hidden bias). "
        if not critical:
            reason = "even without hidden bias the pairs show no effect beyond chance, so there is no finding to take away"
            return not_run(report, reason, found=f"{words}Not judged: {reason}.", numbers=numbers)
        survived = critical > self.gamma
        ends = [amount(trial, end) for end in ranges[self.gamma]]
        words += f"It is lost once a hidden cause may make one of a pair {critical:.2f} times as apt as the other to be treated"
        words += f"; at {self.gamma:g} the effect may lie anywhere from {ends[0]} to {ends[1]} ({p_text(p_values[self.gamma])} at most)."
        return report(found=words, p_value=None, survived=survived, numbers=numbers)


def _pairs(on: Floats, features: Floats, distance: Pairing | None) -> tuple[Ints, Ints]:
    """Treated and untreated rows of the pairs with the least total distance, nobody twice."""
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    treated, untreated = np.flatnonzero(on == 1), np.flatnonzero(on == 0)
    where = features
    if distance == "propensity":
        # scikit-learn takes a second to import
        from sklearn.linear_model import LogisticRegression

        where = LogisticRegression(C=np.inf, max_iter=1000).fit(features, on).predict_proba(features)[:, 1:]
    one, other = linear_sum_assignment(cdist(where[treated], where[untreated]))
    return treated[one], untreated[other]
