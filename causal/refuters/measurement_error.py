"""If the treatment was recorded with error, what would the answer have been without it, and would the verdict change?

Error that has nothing to do with anything draws a slope towards nothing, and more so once lasting differences are taken out: they are mostly truth, what
is left is not. Simulation–extrapolation (Cook & Stefanski 1994, Simulation-extrapolation estimation in parametric measurement error models)
adds more error of the same kind, watches how the estimate falls, and follows the curve back to where there is none. With the added variance as a
share ν of the residual treatment's, a linear slope is proportional to 1 / (1 + ν); reliability r (the share of the residual treatment's variance that is
truth) stands at ν = r − 1. The variance is followed back likewise: the mean squared error less the variance over draws (Stefanski & Cook
1995, Simulation-extrapolation: the measurement error jackknife), a multiple of 1 / (1 + ν)² for a linear slope; the squared errors are those of
whole clusters.

How reliable a treatment is, the data alone cannot say: the reliabilities are suppositions, and the interval takes each as known. A second measure can
say (`second_measure`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from causal.arrays import Floats
from causal.errors import ConfigError, refusal
from causal.estimate import Part
from causal.inference.clustered import interval
from causal.knobs import at_least, is_number, one_of, whole_number
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, not_run, reporting, unsure
from causal.refuters.machinery.exclusions import left_open
from causal.refuters.machinery.substitutes import carried
from causal.rescored import can_carry
from causal.trial import Setting, Trial
from causal.words import count, listed, places, span

ADDED = (0.1, 0.2, 0.3, 0.4)  # added error variance, as a share of the residual treatment's
LEAST_RELIABILITY = 0.3  # below it an extrapolation says nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementError:
    """Simulation–extrapolation over a ladder of reliabilities.

    Parameters
    ----------
    reliabilities : shares of the residual treatment's variance that are truth, each above 0.3 and below 1; the first decides.
    error_sd : standard deviation of the error in the treatment's unit; takes the ladder's place where it is known.
    draws, refits : added errors at each of four sizes, for a linear estimator and for one that must be fitted again; each is used with both signs.
    extrapolant : "rational" (a + b / (1 + ν), exact for linear estimators) or "quadratic" (more cautious far from the data).
    """

    family: ClassVar[Family] = "record"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "error in the record"
    catches: ClassVar[str] = "hangs_on_no_error"

    reliabilities: tuple[float, ...] = (0.95, 0.9, 0.8)
    error_sd: float | None = None
    draws: int = 25
    refits: int = 2
    extrapolant: str = "rational"

    def __post_init__(self) -> None:
        given: Any = self.reliabilities
        listed = given if isinstance(given, Sequence) and not isinstance(given, str) else ()
        if not listed or not all(is_number(one) and LEAST_RELIABILITY < one < 1 for one in listed):
            wanted = f"a list of numbers above {LEAST_RELIABILITY:g} and below 1"
            raise refusal(ConfigError, "measurement_error.reliabilities", wanted, repr(given), "write  refuters.measurement_error.reliabilities=[0.9]")
        object.__setattr__(self, "reliabilities", tuple(float(one) for one in self.reliabilities))
        if self.error_sd is not None:
            at_least("measurement_error.error_sd", self.error_sd, 1e-12)
        whole_number("measurement_error.draws", self.draws, 2)
        whole_number("measurement_error.refits", self.refits, 1)
        one_of("measurement_error.extrapolant", self.extrapolant, ("rational", "quadratic"))

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "measurement_error"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        if len(np.unique(setting.design.treatment)) == 2:
            return "a treatment of two values is misclassified rather than off by a little, and adding error to it makes no sense"
        return None

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Say what the answer would be without the supposed error, and where the verdict's row changes.

        Parameters
        ----------
        trial : any with an interval.
        rng : draws the error that is put on the treatment.
        """
        estimate, question = trial.estimate, trial.question
        report = reporting(
            self,
            asks="If the treatment was recorded with error, would the conclusion be another one?",
            expected="What the interval leaves out stays left out when the supposed error is taken away.",
            detects="A conclusion (above all little or no difference) that hangs on a treatment recorded almost without error.",
            cannot_detect="Whether there is error: the reliabilities are suppositions. Error that lasts within an authority, goes with the outcome or "
            "the truth, or comes in jumps (see recording_switches).",
        )
        if (why := unsure(trial) or self.unmet(trial)) is not None:
            return not_run(report, why)
        if estimate.lower is None or estimate.upper is None:
            return not_run(report, f"{estimate.estimator} gives no interval")
        made = trial.fixed
        basis = made.basis()
        truth = float((made.partial_out(made.treatment[:, None], basis) ** 2).sum())
        # residuals of cross-fits say better than a straight line how much of the treatment is left
        score = trial.score if trial.score is not None and can_carry(trial.score) else None
        half = self.draws if trial.linear or score is not None else self.refits
        noise = carried(trial.estimator, trial.design, rng.standard_normal((trial.design.rows, half)), "treatment")
        unit = float((made.partial_out(noise, basis) ** 2).sum(axis=0).mean())
        if score is not None:
            root = score.over.root_weights
            truth = float(np.median([((one.treatment * root) ** 2).sum() for one in score.repetitions]))
            unit = float(((score.carry(trial.design, noise) * root[:, None]) ** 2).sum(axis=0).mean())
        ladder = self.reliabilities
        if self.error_sd is not None:
            ladder = (1 - self.error_sd**2 * unit / truth,)
            if not ladder[0] > LEAST_RELIABILITY:
                reason = (
                    f"an error of {self.error_sd:g} {made.treatment_variable.unit} leaves a reliability of {max(ladder[0], 0):.2f} in what is left of the "
                    f"treatment, and below {LEAST_RELIABILITY:g} nothing can be followed back"
                )
                return not_run(report, reason)
        scales = [math.sqrt(added * truth / unit) for added in ADDED]
        noisy = np.column_stack([made.treatment[:, None] + sign * scale * noise for scale in scales for sign in (1, -1)])
        effects, errors = (side.reshape(len(ADDED), -1) for side in trial.redraw(self.name, treatment=noisy))
        good = np.isfinite(effects) & np.isfinite(errors)
        if (good.mean(axis=1) < 0.9).any():
            return not_run(report, f"{estimate.estimator} gave an effect and its error in only {good.sum()} of {count(good.size, 'draw')}")
        means = np.array([estimate.effect, *(row[ok].mean() for row, ok in zip(effects, good, strict=True))])
        assert estimate.std_error is not None
        variances = [row[ok] ** 2 for row, ok in zip(errors, good, strict=True)]
        left = np.array([estimate.std_error**2, *(v.mean() - row[ok].var(ddof=1) for v, row, ok in zip(variances, effects, good, strict=True))])

        reach = interval(0.0, 1.0, question.level, estimate.df)[1]

        def at(reliability: float) -> tuple[float, float, float, float]:
            """Effect, error, lower and upper end as they would be, were that the reliability."""
            effect = self._followed(means, reliability - 1, power=1)
            # never surer than with the error in it
            error = math.sqrt(max(self._followed(left, reliability - 1, power=2), float(estimate.std_error or 0) ** 2))
            return effect, error, effect - reach * error, effect + reach * error

        usual = (estimate.lower, estimate.upper)
        decimals = places(max(abs(estimate.effect), estimate.std_error))
        parts, said = [], []
        numbers: dict[str, float | None] = {"draws": float(good.sum()), "error standard deviation at reliability 0.9": math.sqrt(0.1 * truth / unit)}
        for one in ladder:
            effect, error, lower, upper = at(one)
            label = f"{one:.3g}"
            parts.append(Part(kind="group", of="reliability of the treatment", name=label, effect=effect, std_error=error, lower=lower, upper=upper))
            numbers |= {f"effect at reliability {label}": effect, f"standard error at reliability {label}": error}
            said.append(f"at a reliability of {label} it would be {amount(trial, effect)} ({question.level:.0%} interval {span(lower, upper, decimals)})")
        opened = left_open(question, usual, at(ladder[0])[2:])
        turning = next((r for r in np.arange(0.99, LEAST_RELIABILITY, -0.01).round(2).tolist() if left_open(question, usual, at(r)[2:])), None)
        numbers["reliability at which the conclusion changes"] = turning
        words = f"As recorded, the effect is {amount(trial, estimate.effect)}. Were part of what is left of the treatment error, {listed(said)}. "
        if turning is None:
            words += f"No reliability down to {LEAST_RELIABILITY:g} opens what the interval leaves out"
        else:
            words += f"At a reliability of about {turning:.2f} or less {listed(left_open(question, usual, at(turning)[2:]))} still fits"
        words += "; which reliability is true, these data cannot say."
        return report(found=words, p_value=None, survived=not opened, lost=int((~good).sum()), numbers=numbers, parts=tuple(parts))

    def _followed(self, values: Floats, to: float, *, power: int) -> float:
        """The curve through values at ν = 0 and at each of the added shares, at ν = `to`."""
        shares = np.array([0.0, *ADDED])
        if self.extrapolant == "rational":
            columns, end = np.column_stack([np.ones(len(shares)), (1 + shares) ** -power]), np.array([1.0, (1 + to) ** -power])
        else:
            columns, end = np.vander(shares, 3), np.vander([to], 3)[0]
        coefficients, *_ = np.linalg.lstsq(columns, values, rcond=None)
        return float(end @ coefficients)
