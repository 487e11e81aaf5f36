"""Would the same analysis find an "effect" of a treatment that cannot have one?

Treatment histories, without what the design absorbs and adjusts for, are dealt anew among authorities observed in the
same years: a history moves whole, and no link between it and the outcomes is left. Of such placebos a valid 95 % test calls
5 % significant; one that takes the rows of an authority as independent calls many more. Studentised statistics are compared,
since histories differ in length and outcomes in spread (Janssen 1997, Studentized permutation tests for non-i.i.d.
hypotheses and the generalized Behrens-Fisher problem; DiCiccio & Romano 2017, Robust permutation tests for correlation and
regression coefficients); the histories are residuals, so that nothing the model holds fixed is broken (Freedman & Lane
1983, A nonstochastic interpretation of reported significance levels).

Every placebo centres on 0, whatever the confounding: this check is about how sure the answer is, never about whether it is biased.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from causal.arrays import Ints
from causal.knobs import at_least, one_of, renamed, whole_number
from causal.refutation import Family, Refutation, Role
from causal.refuters import capped, capped_words, kept_words, lost_words, not_run, p_text, reporting, unsure, whole_units
from causal.refuters.machinery.histories import alike, instruments, refit_permuted
from causal.trial import Setting, Trial
from causal.words import count

NOT_DEALT = ("discontinuity", "series")  # strategies by which the treatment is nobody's history
FEWEST_MOVED = 10
QUICK, SLOW = 200, 20  # placebos by refits; with fewer than 200 the rule cannot tell whether the error is known


@renamed(deal="permute")
@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceboTreatment:
    """Deal the treatment's histories among authorities and count false findings.

    Parameters
    ----------
    draws, refits : placebos for an estimator that is linear, or whose cross-fits left residuals (matrix steps), and for one that must be
        fitted again; None: as many as can tell an error that is known from one that is not (200) where a fit is quick, and 20 where it is not.
    by : "authority" deals whole histories, "row" single rows (right only where rows are independent).
    permute : "residual" deals what absorbed effects and controls leave of the treatment; "raw" deals it as it is. A treatment of two
        values is dealt raw to an estimator that must be fitted again, which may need both. Residuals of cross-fits are dealt as they are; a treatment
        of two values compared by its propensity is then taken up by chance alike for all.
    tolerance : true rejection rate that is let pass, over the nominal one: clustered errors of a hundred authorities reject 5 to 6 %, and at 1.0 one clean
        world in twelve failed. 1.2 lets a 95 % interval cover 94 %.
    """

    family: ClassVar[Family] = "inference"
    role: ClassVar[Role | None] = "placebo"
    label: ClassVar[str] = "treatment dealt by chance"
    catches: ClassVar[str] = "rows_as_independent"

    draws: int = 500
    refits: int | None = None
    by: str = "authority"
    permute: str = "residual"
    tolerance: float = 1.2

    def __post_init__(self) -> None:
        whole_number("placebo_treatment.draws", self.draws, 1)
        if self.refits is not None:
            whole_number("placebo_treatment.refits", self.refits, 1)
        one_of("placebo_treatment.by", self.by, ("authority", "row"))
        one_of("placebo_treatment.permute", self.permute, ("residual", "raw"))
        at_least("placebo_treatment.tolerance", self.tolerance, 1)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "placebo_treatment"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        if setting.identification.strategy in NOT_DEALT:
            by = "a cutoff" if setting.identification.strategy == "discontinuity" else "a date"
            return f"{setting.question.treatment} follows from {by}, so that there is no history of it to deal"
        moved = sum(len(rows) for rows in self._groups(setting)[1])
        if moved < FEWEST_MOVED:
            return f"only {count(moved, 'history', 'histories')} could be dealt: the others are observed in years that no other authority shares"
        return None

    def _groups(self, setting: Setting) -> tuple[int, list[Ints]]:
        """How many histories there are, and those that can be dealt, by the years that they share."""
        score = setting.score if isinstance(setting, Trial) else None
        made = setting.fixed if score is None else score.over
        units, number = (np.arange(made.rows), made.rows) if self.by == "row" else whole_units(made)
        return number, alike(units, number, made)

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute the trial's standard error.

        Parameters
        ----------
        trial : any with a standard error, and histories to permute among authorities seen in the same years.
        rng : permutes histories.
        """
        from scipy import stats

        estimate, level = trial.estimate, 1 - trial.question.level
        bound = min(level * self.tolerance, 0.99)
        report = reporting(
            self,
            asks="If every authority is given another's treatment history, which cannot have moved its outcomes, is an effect still found?",
            expected=f"A significant effect in about {level:.0%} of placebos; intervals are too narrow if chance cannot explain more than {bound:.1%}.",
            detects="Standard errors and intervals that are too narrow, above all from taking the years of one authority as independent.",
            cannot_detect="Confounding of any kind: dealt histories centre on 0 whatever biases the estimate. "
            "Nor shocks that neighbouring authorities share, which dealing breaks up.",
        )
        if (why := unsure(trial) or self.unmet(trial)) is not None:
            return not_run(report, why)
        assert estimate.std_error is not None
        made = trial.fixed if trial.score is None else trial.score.over
        number, groups = self._groups(trial)
        moved = sum(len(rows) for rows in groups)
        draws = capped(self.draws, made.rows, QUICK) if trial.by_matrix else self.refits or (QUICK if trial.quick else SLOW)
        raw = trial.score is None and (self.permute == "raw" or (not trial.linear and len(np.unique(made.treatment)) == 2))
        history = made.treatment if raw else made.partial_out(made.treatment[:, None])[:, 0] / made.root_weights + made.treatment.mean()
        moving = instruments(trial)
        lost: list[str] = []
        effects, errors = refit_permuted(trial, self.name, history, groups, draws, rng, lost)
        if not np.isfinite(effects).any() and not raw and not trial.by_matrix:
            raw = True  # an estimator that cuts the treatment at some level finds none in residuals
            effects, errors = refit_permuted(trial, self.name, made.treatment, groups, draws, rng, lost)
        scale = 1.0
        if trial.linear:
            # the matrix step has its own clustered error; if the estimate reports another, that is the one on trial
            _, own = trial.redraw(self.name, treatment=made.treatment[:, None])
            ratio = estimate.std_error / float(own[0]) if own[0] > 0 else 1.0
            scale = ratio if abs(ratio - 1) > 1e-6 else 1.0
        good = np.isfinite(effects) & np.isfinite(errors) & (errors > 0)
        if good.sum() < max(1, draws // 2):
            return not_run(report, f"{estimate.estimator} gave a standard error in only {good.sum()} of {count(draws, 'placebo')}")
        t = np.abs(effects[good] / (errors[good] * scale))
        law = stats.norm() if estimate.df is None else stats.t(estimate.df)
        critical = float(law.ppf(1 - level / 2))
        false = int((t > critical).sum())
        p_value = float(stats.binomtest(false, len(t), bound, alternative="greater").pvalue)
        actual = abs(estimate.effect / estimate.std_error)
        randomisation = float((1 + (t >= actual).sum()) / (1 + len(t)))
        survived = p_value >= level
        stayed = number - moved
        text = (
            f"{false} of {count(len(t), 'placebo')} ({false / len(t):.1%}) were significant at the {level:.0%} level, "
            + ("as chance allows. " if survived else "more than chance allows: the interval is too narrow. ")
            + f"The actual |t| of {actual:.2f} was reached by {int((t >= actual).sum())} of them (randomisation {p_text(randomisation)}). "
            + f"{count(moved, 'row' if self.by == 'row' else 'history', 'rows' if self.by == 'row' else 'histories')} dealt"
            + (f"; {stayed} kept their own, as nobody shares their years" if stayed else "")
            + (f", {', '.join(moving)} with them" if moving else "")
            + (", the treatment as it stands." if raw else ", without what is held fixed.")
            + kept_words(trial)
            + lost_words(lost)
            + (capped_words(draws, self.draws) if trial.by_matrix else "")
        )
        return report(
            found=text,
            p_value=p_value,
            level=level,
            trials=len(t),
            alarms=false,
            lost=int((~good).sum()),
            survived=survived,
            numbers={
                "draws": float(len(t)),
                "false findings": float(false),
                "share of false findings": false / len(t),
                "nominal share": level,
                "share let pass": bound,
                "critical value": critical,
                "actual |t|": actual,
                "randomisation p-value": randomisation,
                "mean placebo effect": float(effects[good].mean()),
                "standard deviation of placebo effects": float(effects[good].std(ddof=1)) if len(t) > 1 else None,
                "95th percentile of placebo |t|": float(np.quantile(t, 0.95)),
                "histories dealt": float(moved),
                "histories kept": float(stayed),
            },
        )
