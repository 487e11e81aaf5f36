"""Does the answer hang on the treatment's outliers, all taken together?

A row pulls an estimate by its partial leverage, its share of the residual treatment's variation (Belsley, Kuh & Welsch 1980, Regression Diagnostics;
MacKinnon, Nielsen & Webb 2023, Leverage, influence, and the jackknife in clustered regression models, for whole clusters). Reporting switches and
typing errors in a treatment are such rows, and there may be dozens of them in as many authorities: leaving out one authority at a time
(`leave_one_out`) moves nothing while the others stay. So every authority with a row of outsized leverage is left out at once.

Leaving out a share m of the treatment's variation moves an estimate by chance, by about √(m / (1 − m)) of its standard errors; the answer hangs on the
outliers if it moves by more than chance allows and by more than `tolerance` standard errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from causal.arrays import Floats
from causal.estimate import Part
from causal.inference.clustered import interval
from causal.knobs import at_least, between
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, drawn_clusters, not_run, p_text, reporting, unsure, whole_units
from causal.trial import Setting, Trial
from causal.words import count

MOST = 0.9  # share of the variation beyond which nothing is left to compare with


@dataclass(frozen=True, slots=True, kw_only=True)
class Leverage:
    """Leave out, all at once, the authorities whose treatment has outliers.

    Parameters
    ----------
    times : partial leverage of a row, over the average row's, from which it is outsized; 20 is 4.5 standard deviations of the residual treatment.
    tolerance : shift of the effect, in standard errors, that is let pass.
    """

    family: ClassVar[Family] = "record"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "places that weigh most"
    catches: ClassVar[str] = "many_misrecorded"

    times: float = 20.0
    tolerance: float = 1.0

    def __post_init__(self) -> None:
        between("leverage.times", self.times, 1, float("inf"))
        at_least("leverage.tolerance", self.tolerance, 0)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "leverage"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        return None

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute that the answer is about more than outliers.

        Parameters
        ----------
        trial : any with a standard error.
        rng : not used.
        """
        from scipy import stats

        estimate, made = trial.estimate, trial.design
        report = reporting(
            self,
            asks="Does the answer hang on the outliers of the treatment, all taken together?",
            expected=f"Without them a shift of no more than chance allows, or of no more than {self.tolerance:g} standard errors.",
            detects="Reporting switches, zeros and typing errors in the treatment, however many authorities have them; places with extreme changes that differ "
            "from the rest.",
            cannot_detect="Errors in recording of ordinary size; confounding, and faults that all authorities share.",
        )
        if (why := unsure(trial)) is not None:
            return not_run(report, why)
        assert estimate.std_error is not None
        fixed = trial.fixed
        share = _leverage(trial)
        unit, number = whole_units(made)
        place = {name: i for i, name in enumerate(made.authorities)}
        of_authority = np.zeros(len(made.authorities), dtype=np.int64)
        of_authority[made.authority] = unit
        of = of_authority[[place[name] for name in fixed.authorities]][fixed.authority]
        far = share > self.times / len(share)
        out = np.bincount(of, weights=far, minlength=number) > 0
        carried = float(np.bincount(of, weights=share, minlength=number)[out].sum())
        numbers: dict[str, float | None] = {
            "outsized rows": float(far.sum()),
            "authorities that have them": float(out.sum()),
            "share of the treatment's variation they carry": carried,
            "largest leverage, over the average": float(share.max() * len(share)),
        }
        if not out.any():
            words = f"No authority-year has a leverage of {self.times:g} times the average (the largest has {share.max() * len(share):.0f})."
            return report(found=words, p_value=None, survived=True, numbers=numbers)
        text = (
            f"{count(int(far.sum()), 'authority-year')} of {count(int(out.sum()), 'authority', 'authorities')} have outsized leverage; these authorities carry "
        )
        text += f"{carried:.0%} of the treatment's variation"
        if carried > MOST or number - out.sum() < 3:
            return not_run(report, f"{text}, and too little is left without them", numbers=numbers)
        effects, errors = trial.redraw(self.name, clusters=drawn_clusters(made, (~out).astype(float)[:, None]))
        if not np.isfinite(effects[0]):
            return not_run(report, f"{estimate.estimator} gave no answer without the outliers ({text})", numbers=numbers)
        effect, error = float(effects[0]), float(errors[0])
        shift = abs(effect - estimate.effect) / estimate.std_error
        law = stats.norm() if estimate.df is None else stats.t(estimate.df)
        p_value = float(2 * law.sf(shift / np.sqrt(carried / (1 - carried))))
        survived = p_value >= 1 - trial.question.level or shift <= self.tolerance
        known = np.isfinite(error) and error > 0
        lower, upper = interval(effect, error, trial.question.level, estimate.df)[:2] if known else (None, None)
        return report(
            found=f"{text}. Without them the effect is {amount(trial, effect)} instead of {amount(trial, estimate.effect)} ({shift:.2f} standard errors, "
            f"{p_text(p_value)}). " + ("The answer does not hang on them." if survived else "The answer hangs on the treatment's outliers."),
            p_value=p_value,
            level=1 - trial.question.level,
            survived=survived,
            numbers=numbers | {"effect without them": effect, "shift, in standard errors": shift, "shift let pass": self.tolerance},
            parts=(
                Part(
                    kind="group",
                    of="authorities left out",
                    name="without outliers of the treatment",
                    effect=effect,
                    std_error=error if known else None,
                    lower=lower,
                    upper=upper,
                ),
            ),
        )


def _leverage(trial: Trial) -> Floats:
    """Each row's share of the residual treatment's variation, on the design that the estimate was made on; shape (rows,)."""
    residualised = trial.fixed.partial_out(trial.fixed.treatment[:, None])[:, 0]
    return np.asarray(residualised**2 / (residualised @ residualised))
