"""How strong would something unmeasured have to be to take the answer away?

A confounder Z that explains the shares R²(D~Z) of the residual treatment and R²(Y~Z) of the residual outcome moves a linear effect by
S √(R²(Y~Z) R²(D~Z) / (1 − R²(D~Z))), with S the residual spread of the outcome over that of the treatment. The robustness value is the share
of both that would take away the whole effect, or its significance; measured controls that change in time, one to three times as strong, say what
sizes are plausible (Cinelli & Hazlett 2020, Making sense of sensitivity: extending omitted variable bias). Everything is within the absorbed
effects: a lasting trait of a place can confound nothing once authorities are compared with themselves.

For a linear estimator S and the shares come from its own residuals and are exact. For any other the same formula bounds the bias of a partially linear model,
with the residuals and shares of flexible regressions in the straight line's place (Chernozhukov, Cinelli, Newey, Sharma & Syrgkanis 2022, Long story short:
omitted variable bias in causal machine learning): outcome and treatment are told out of fold, whole clusters held out, from the controls, their squares and
products, all within the absorbed effects (ridge; a demeaned curve is no curve of what is demeaned). They are the check's own regressions, not the
estimator's, and where effects differ the bound is that of their average under this model. An estimator of one row an authority is looked at on those rows.
Significance uses the clustered standard error and its degrees of freedom: with rows as clusters and
classical errors the formulas are those of the paper. (t² / (t² + G − 1) of a clustered t is no share of the rows'
variance, and could not be held against the controls'.)

The E-value is the same question as a risk ratio (VanderWeele & Ding 2017, Sensitivity analysis in observational research: introducing the
E-value); for an outcome that is no risk it uses their approximation RR = exp(0.91 d), with d the effect in residual standard deviations of the outcome.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from causal.arrays import Ints
from causal.design import Design
from causal.errors import ConfigError, refusal
from causal.estimate import Part
from causal.inference.clustered import interval
from causal.knobs import is_number
from causal.refutation import Admits, Family, Hidden, Refutation, Role
from causal.refuters import amount, not_run, reporting, unsure
from causal.refuters.machinery.omitted import benchmarks, bound, in_short, label, residuals
from causal.rows import Control
from causal.trial import Setting, Trial
from causal.verdict.decide import row_of
from causal.words import capital, listed, places, span

FOLDS = 5
MOST = 20.0  # times as strong as a measured control, beyond which nobody would take it for a yardstick


def partial_r2(t: float, df: float) -> float:
    """Share of the residual outcome that the treatment explains, from its classical t statistic."""
    return t**2 / (t**2 + df)


def robustness_value(t: float, df: float, q: float = 1.0, alpha: float | None = None) -> float:
    """Share of residual treatment and outcome that would reduce the effect by `q`, or (alpha) make the rest insignificant (Cinelli & Hazlett 2020)."""
    return _robustness(q * abs(t) / math.sqrt(df), 0.0 if alpha is None else _critical(df - 1, alpha) / math.sqrt(df - 1))


def adjusted(effect: float, se: float, df: float, r2dz: float, r2yz: float, spread: float | None = None) -> tuple[float, float, float]:
    """Effect, standard error and t with a confounder of given strength that works towards 0 (Cinelli & Hazlett 2020, eqs 12–15).

    spread : S, outcome's over treatment's residual spread; from a classical standard error where not given.
    """
    bias = (se * math.sqrt(df) if spread is None else spread) * math.sqrt(r2yz * r2dz / (1 - r2dz))
    left = effect - math.copysign(bias, effect)
    error = se * math.sqrt((1 - r2yz) / (1 - r2dz) * df / (df - 1))
    return left, error, left / error


def e_value(effect: float, se: float, sd: float, critical: float = 1.96) -> tuple[float, float]:
    """E-values of an effect and of the end of its interval nearer 0, by RR = exp(0.91 effect / sd)."""

    def of(risk_ratio: float) -> float:
        return risk_ratio + math.sqrt(risk_ratio * (risk_ratio - 1)) if risk_ratio > 1 else 1.0

    far, near = 0.91 * abs(effect) / sd, 0.91 * (abs(effect) - critical * se) / sd
    return of(math.exp(min(far, 300.0))), of(math.exp(min(near, 300.0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmeasuredConfounder:
    """Robustness values, with measured controls as benchmarks.

    Parameters
    ----------
    multiples : how many times as strong as each measured control; the first decides.
    q : share of the effect that would have to go.
    """

    family: ClassVar[Family] = "sensitivity"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "a hidden common cause"
    catches: ClassVar[str] = "slight_finding"

    multiples: tuple[float, ...] = (1, 2, 3)
    q: float = 1.0

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "multiples", tuple(float(one) for one in self.multiples))
        except (TypeError, ValueError):
            raise refusal(
                ConfigError,
                "unmeasured_confounder.multiples",
                "a list of numbers above 0",
                repr(self.multiples),
                "write  refuters.unmeasured_confounder.multiples=[1,2,3]",
            ) from None
        if not self.multiples or not all(math.isfinite(one) and one > 0 for one in self.multiples):
            raise refusal(
                ConfigError,
                "unmeasured_confounder.multiples",
                "a list of numbers above 0",
                repr(self.multiples),
                "write  refuters.unmeasured_confounder.multiples=[1,2,3]",
            )
        if not is_number(self.q) or not 0 < self.q <= 1:
            raise refusal(ConfigError, "unmeasured_confounder.q", "a number above 0 and at most 1", repr(self.q), "write  refuters.unmeasured_confounder.q=1")

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "unmeasured_confounder"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        if setting.identification.strategy != "backdoor":
            return f"{setting.estimator.name} does not rest on measured confounders being held fixed, so these formulas say nothing of it"
        return None

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Say how strong an unmeasured confounder would have to be.

        Parameters
        ----------
        trial : any with an interval.
        rng : deals clusters into folds, where the estimator is not linear.
        """
        estimate, question = trial.estimate, trial.question
        level = 1 - question.level
        report = reporting(
            self,
            asks="Would something unmeasured, as strong as the strongest control that was measured, take the answer away?",
            expected="The finding stands with such a confounder held fixed.",
            detects="A finding so slight that a confounder no stronger than those measured would undo it.",
            cannot_detect="Whether there is such a confounder. A high robustness value is no validation: a badly biased estimate can have one.",
        )
        if (why := unsure(trial) or self.unmet(trial)) is not None:
            return not_run(report, why)
        assert estimate.std_error is not None
        made = examined(trial)
        df = float(len(made.clusters) - 1) if estimate.df is None else estimate.df
        if df <= 1:
            return not_run(report, f"{df:.1f} degrees of freedom are too few")
        folds = None if trial.linear else _folds(made, rng)
        outcome, treatment = residuals(made, (), folds)
        slope = estimate.effect / made.question.contrast
        length = float(np.linalg.norm(treatment))
        rest = float(np.linalg.norm(outcome - slope * treatment))
        if not (length > 0 and rest > 0):
            return not_run(report, "nothing of treatment or outcome is left once the controls are held fixed")
        spread = rest / length * abs(made.question.contrast)
        strength = abs(estimate.effect) / spread
        critical = _critical(df - 1, level) * math.sqrt(df / (df - 1)) * estimate.std_error / spread
        value, value_level = _robustness(self.q * strength, 0.0), _robustness(self.q * strength, critical)
        taken = (made.basis().shape[1] if folds is None else 0) + (len(made.authorities) if "authority" in made.absorb else 1)
        residual_sd = float(np.sqrt((outcome**2).sum() / max(made.rows - taken, 1)))
        e_effect, e_interval = e_value(estimate.effect, estimate.std_error, residual_sd, _critical(df, level))
        numbers: dict[str, float | None] = {
            "partial R² of treatment with outcome": strength**2 / (1 + strength**2),
            "robustness value": value,
            f"robustness value at {level:.0%}": value_level,
            "E-value": e_effect,
            "E-value of the interval": e_interval,
            "clustered t": estimate.effect / estimate.std_error,
            "degrees of freedom": df,
        }
        words = (
            f"A confounder would have to explain {value:.1%} of what is left of both treatment and outcome to take the effect away"
            + ("" if self.q == 1 else f" by {self.q:.0%}")
            + (f", {value_level:.1%} to make it insignificant" if value_level > 0 else ", and none to make it insignificant, which it is")
            + f" (E-value {e_effect:.2f}, of the interval {e_interval:.2f}, by approximation). "
        )
        if not trial.linear:
            whole = made.within(made.outcome[:, None], made.treatment[:, None])
            for what, left, all_of in (("outcome", outcome, whole[0]), ("treatment", treatment, whole[1])):
                numbers[f"{what} told out of fold (R²)"] = 1 - float((left**2).sum() / (all_of**2).sum())
            words += "Shares of variance are what flexible regressions of the controls leave, out of fold; the formula is that of the partially linear model. "
        now = row_of(estimate.lower, estimate.upper, question.smallest_important)
        claims = "effect" if estimate.lower is not None and estimate.upper is not None and estimate.lower * estimate.upper > 0 else now
        undone: list[str] = []
        impossible: list[str] = []
        parts: list[Part] = []
        decimals = places(max(abs(estimate.effect), estimate.std_error))
        measured = benchmarks(made, treatment, outcome, folds)
        strongest: tuple[float, str] | None = None
        for group, (r2dx, r2yx) in measured.items():
            named_after = label(trial, group)
            numbers |= {f"{group}: partial R² with treatment": r2dx, f"{group}: partial R² with outcome": r2yx}
            for multiple in self.multiples:
                strengths = bound(r2dx, r2yx, multiple)
                named = named_after if multiple == 1 else f"{named_after} ({multiple:g} times)"
                if strengths is None:
                    impossible.append(named)
                    continue
                effect, error, _ = adjusted(estimate.effect, estimate.std_error, df, *strengths, spread=spread)
                lower, upper, _ = interval(effect, error, question.level, df - 1)
                numbers[f"{multiple:g} × {group}: effect"] = effect
                parts.append(Part(kind="group", of="as strong as", name=named, effect=effect, std_error=error, lower=lower, upper=upper))
                if multiple != self.multiples[0]:
                    continue
                # towards 0 is what an effect has to fear; little or no difference has to fear both ways
                bias = abs(estimate.effect - effect)
                shift = math.copysign(2 * bias, estimate.effect)
                away = (lower + shift, upper + shift)
                if strongest is None or bias > strongest[0]:
                    reach = f"{question.level:.0%} interval {span(lower, upper, decimals)}"
                    text = f"One as strong as {named} would move the effect to {amount(trial, effect)} ({reach})"
                    if claims == "inside":
                        text += f" or, the other way, to {amount(trial, effect + shift)} ({span(*away, decimals)})"
                    strongest = (bias, f"{text}. ")
                if (claims == "effect" and (lower * upper <= 0 or effect * estimate.effect <= 0)) or (
                    claims == "inside" and max(map(abs, (lower, upper, *away))) >= question.smallest_important
                ):
                    undone.append(named)
        hidden = _hidden(trial, df, spread, value, measured)
        if strongest is None:
            reason = "no control that changes in time is in the model, so nothing says how strong a confounder may be"
            if impossible:
                reason = f"{listed(impossible)} leave so little of the treatment that nothing else can explain as much of it"
            return report(found=words + f"Not judged: {reason}.", p_value=None, survived=None, reason=reason, numbers=numbers, hidden=hidden)
        words += strongest[1]
        if impossible:
            words += f"Nothing more can explain as much of the treatment as {listed(impossible)}. "
        if claims not in ("effect", "inside"):
            words += "The interval includes 0 and important effects, so there is no finding to take away; one may also be hidden by a confounder."
        elif undone:
            what = "include 0" if claims == "effect" else "leave an important effect open"
            words += f"Something unmeasured as strong as {listed(undone)} would make the interval {what}."
        else:
            words += "Nothing as strong as the controls measured takes the finding away; whether something stronger exists, no number here can say."
        return report(found=capital(words), p_value=None, survived=not undone, numbers=numbers, parts=tuple(parts), hidden=hidden)


def _hidden(trial: Trial, df: float, spread: float, share: float, measured: Mapping[Control, tuple[float, float]]) -> Hidden:
    """How many times as strong as the strongest measured control a hidden cause must be for the interval to hold what the answer denies.

    Parameters
    ----------
    trial : estimate and δ.
    df, spread : of the estimate, as in `adjusted`.
    share : that would take the estimate to nothing.
    measured : control → its partial R² with treatment and with outcome.
    """
    estimate, smallest = trial.estimate, trial.question.smallest_important
    alone = Hidden(share=share)
    if not measured or estimate.lower is None or estimate.upper is None or estimate.std_error is None:
        return alone
    admits: list[tuple[Admits, float, int]] = []  # what would fit, the line that an end has to reach, and whether by rising or by falling
    row = row_of(estimate.lower, estimate.upper, smallest)
    if row in ("no_important_rise", "inside"):
        admits.append(("important_rise", smallest, 1))
    if row in ("no_important_fall", "inside"):
        admits.append(("important_fall", -smallest, -1))
    admits += {
        "important_rise": [("unimportant", smallest, -1)],
        "rise": [("no_change", 0.0, -1)],
        "important_fall": [("unimportant", -smallest, 1)],
        "fall": [("no_change", 0.0, 1)],
    }.get(str(row), [])  # type: ignore[arg-type]

    def reaches(group: Control, multiple: float, line: float, way: int) -> bool | None:
        strengths = bound(*measured[group], multiple)
        if strengths is None:
            return None
        moved, error, _ = adjusted(estimate.effect, estimate.std_error or 0.0, df, *strengths, spread=spread)
        lower, upper, _ = interval(estimate.effect + way * abs(estimate.effect - moved), error, trial.question.level, df - 1)
        return upper >= line if way > 0 else lower <= line

    strengths = {group: bound(*of, 1.0) for group, of in measured.items()}
    possible = {group: math.sqrt(d * y / (1 - d)) for group, one in strengths.items() if one is not None for d, y in [one]}
    if not possible or not admits:
        return alone
    group = max(possible, key=lambda one: possible[one])
    least: tuple[float, Admits] | None = None
    for code, line, way in admits:
        low, high = 0.0, MOST
        while reaches(group, high, line, way) is None and high > 0.01:
            high *= 0.95  # as strong as can be
        if not reaches(group, high, line, way):
            continue
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (low, middle) if reaches(group, middle, line, way) else (middle, high)
        if least is None or high < least[0]:
            least = (high, code)
    multiple, code = least if least else (None, admits[0][0])
    return replace(alone, benchmark=in_short(trial, group), multiple=multiple, admits=code)


def _critical(df: float, alpha: float) -> float:
    from scipy import stats

    return float(stats.t(df).isf(alpha / 2))


def _robustness(f: float, critical: float) -> float:
    """The share r with r / √(1 − r) = f − critical; beyond f × critical = 1 a confounder of less outcome variance does more."""
    short = f - critical
    if short <= 0:
        return 0.0
    if f * critical > 1:
        return (f**2 - critical**2) / (1 + f**2)
    return 0.5 * (math.sqrt(short**4 + 4 * short**2) - short**2)


def examined(trial: Trial) -> Design:
    """The rows that an estimate is made of: a linear estimator's regression, one row an authority where it takes those, or the design itself."""
    rows = getattr(trial.estimator, "rows", None)
    design: Design = trial.fixed if rows is None else rows(trial.design).design
    return design


def _folds(design: Design, rng: np.random.Generator) -> Ints:
    """Fold of each row, shape (rows,); clusters whole."""
    number = len(design.clusters)
    return np.asarray((rng.permutation(number) % min(FOLDS, number))[design.cluster])
