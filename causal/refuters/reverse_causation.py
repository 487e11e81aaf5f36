"""Does the outcome of earlier years move the treatment?

Authorities with more children on plans may close fewer centres. Then the shocks of one year's outcome are in the next year's treatment, strict exogeneity
fails, and a comparison within authorities is biased. So the question is turned round (Granger 1969, Investigating causal relations by
econometric models and cross-spectral methods; for panels Holtz-Eakin, Newey & Rosen 1988, Estimating vector autoregressions with panel data):

    treatment(t) = authority + year + own past + controls + Σ ψ_k outcome(t − k)

with all ψ tested jointly, clustered. A regression on the own past within authorities is biased when years are few (Nickell 1981, Biases in dynamic
models with fixed effects), and so could be its ψ. It is not, if every date of the treatment that moves the outcomes is among the columns: by the
theorem of Frisch, Waugh and Lovell, ψ then rests on what the treatment did not make of the outcome, and without feedback
that is unrelated to the treatment of every year. So the own past goes back one lag farther than the outcomes. Where treatments stand still
until they move, only years up to each authority's first move are compared: until then no effect is in any outcome, whatever its course.

What it finds biases the estimate by as much as this moves when the outcomes of the years before the treatment are conditioned on, beside the treatment's
own past in those years: what they do to the outcome asked about times what goes with them of the treatment. For a treatment that does not last this is
the bias of demeaning under feedback and of shocks that last; where the treatment lasts, the one weighs more and the other less.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from causal.arrays import Floats
from causal.design import FEWEST_AUTHORITIES, Design, design
from causal.errors import CausalError, EstimationError, refusal
from causal.estimate import Part
from causal.graph import dated, undated
from causal.inference.clustered import Fit, clustered_least_squares, interval, joint_test
from causal.knobs import at_least, renamed, whole_number
from causal.refutation import Family, Refutation, Role
from causal.refuters import not_run, p_text, reporting, unsure
from causal.refuters.machinery.bias import Bias, moved_by, reach
from causal.refuters.machinery.paths import TreatmentPath, treatment_path
from causal.trial import Setting, Trial
from causal.words import count, places, signed

FEWEST_YEARS = 3  # of treatment left once earlier ones are taken


@renamed(still="tolerance")
@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseCausation:
    """Test whether earlier outcomes predict the treatment, given its own past.

    Parameters
    ----------
    lags : how many earlier years of the outcome; fewer are taken where the panel is too short.
    tolerance : moves of the treatment up to this share of the contrast do not count as moves.
    """

    family: ClassVar[Family] = "bias"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "cause and effect the other way round"
    catches: ClassVar[str] = "feedback"

    lags: int = 1
    tolerance: float = 0.05

    def __post_init__(self) -> None:
        whole_number("reverse_causation.lags", self.lags, 1)
        at_least("reverse_causation.tolerance", self.tolerance, 0)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "reverse_causation"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        return _unfit(setting)

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute that the treatment is decided without looking at the outcome.

        Parameters
        ----------
        trial : with years of the outcome before the treatment.
        rng : not used.
        """
        report = reporting(
            self,
            asks="Do outcomes of earlier years go with later treatment, within authorities and given the treatment's own past?",
            expected="Nothing beyond chance from earlier outcomes.",
            detects="Feedback: a treatment that answers to earlier outcomes, which biases comparisons within authorities; "
            "a trend, anticipation or a lasting cause left out, which move the outcome first and the treatment after it.",
            cannot_detect="Reverse causation within the same year, and a cause that moves treatment and outcome in the same year only. "
            "Nor which of the faults that look alike it is.",
        )
        if (why := unsure(trial) or self.unmet(trial)) is not None:
            return not_run(report, why)
        moved = treatment_path(trial, self.tolerance)
        early = moved.observed_before(trial.design) >= (FEWEST_AUTHORITIES if moved.adoption else max(FEWEST_AUTHORITIES, moved.moved.sum() / 2))
        why = ""
        for lags in range(self.lags, 0, -1):
            try:
                made, columns = _turned(trial, lags, moved if early else None)
                return self._judge(trial, report, made, _fit(made, columns), lags, early)
            except CausalError as refused:
                why = why or str(refused)
        return not_run(report, f"the treatment could not be set against earlier outcomes ({why})")

    def _judge(self, trial: Trial, report: Callable[..., Refutation], made: Design, fit: Fit, lags: int, early: bool) -> Refutation:
        level = 1 - trial.question.level
        f, rest, p_value = joint_test(fit.coefficients, fit.scores, float(fit.df.min()))
        if not np.isfinite(p_value):
            return not_run(report, f"{count(lags, 'earlier outcome')} and {fit.df.min():.1f} degrees of freedom are too few for a test")
        survived = p_value >= level
        # ten units of treatment for one of outcome say little: each slope is told for one standard deviation of the outcome within authorities
        spread = float(made.within(made.treatment[:, None])[0].std())
        parts = tuple(_part(trial, made, fit, spread, k) for k in range(lags))
        unit = trial.design.treatment_variable.unit
        effects_text = "; ".join(
            f"{one.name}: {signed(one.effect, places(max(abs(one.effect), one.std_error or 0.0)))} {unit} "
            f"(standard error {signed(one.std_error or 0.0, places(max(abs(one.effect), one.std_error or 0.0))).lstrip('+')})"
            for one in parts
        )
        how = p_text(p_value) if lags == 1 else f"jointly F({lags}, {rest:.0f}) = {f:.2f}, {p_text(p_value)}"
        found = f"Treatment that goes with an outcome one standard deviation higher, {effects_text}; {how}. "
        found += "Earlier outcomes tell nothing of the treatment beyond chance." if survived else "Earlier outcomes tell later treatment: feedback."
        years = [-trial.question.lag - k for k in range(1, lags + 1)]
        # as in the regression: a treatment that stands still until it moves has no past to hold fixed
        own = [] if early else [dated(trial.question.treatment, year) for year in years]
        bias = moved_by(trial, [dated(trial.question.outcome, year) for year in years], own) if trial.linear or not survived else Bias()
        sees = reach(float(fit.df.min()), level, tests=lags)
        return report(
            found=found,
            p_value=p_value,
            level=level,
            bias=bias.size,
            bias_error=bias.error,
            blind_below=None if bias.error is None or sees is None else sees * bias.error,
            survived=survived,
            numbers={
                "F": f,
                "degrees of freedom 1": float(lags),
                "degrees of freedom 2": rest,
                "rows": float(made.rows),
                "standard deviation of the outcome within authorities": spread,
                "only years up to the first move": float(early),
            },
            parts=parts,
        )


def _unfit(trial: Setting) -> str | None:
    """Why earlier outcomes cannot be set against the treatment here; None if they can."""
    variable = trial.panel.variable(trial.question.treatment)
    if variable.varies == "authority":
        return f"{variable.label} does not change in time"
    if trial.question.lag < 0:
        return "the question dates the treatment after the outcome"
    years = len(trial.panel.years)
    if years < trial.question.lag + FEWEST_YEARS + 1:
        return f"{count(years, 'year')} are too few for the treatment of {FEWEST_YEARS} years beside its own past and earlier outcomes"
    return None


def _turned(trial: Trial, lags: int, moved: TreatmentPath | None) -> tuple[Design, Floats]:
    """A design whose outcome is the treatment, and its earlier outcomes, shape (rows, lags).

    Controls are conditioned on in the treatment's own year and in that of each earlier outcome, as they stand to it in the question.
    """
    question, panel, adjust_for = trial.question, trial.panel, trial.identification.adjust_for
    names = [] if moved is not None else [dated(question.treatment, -by) for by in range(1, lags + question.lag + 1)]
    for name in adjust_for:
        bare, by = undated(name)
        if bare not in panel.names or bare in (question.treatment, question.outcome):
            continue
        if panel.variable(bare).varies == "authority":
            names.append(dated(bare, 0))
            continue
        names += [dated(bare, year) for year in range(min(by + question.lag, 0), by - lags - 1, -1)]
    names += [dated(question.outcome, -k) for k in range(2, lags + 1)]
    turned = replace(question, treatment=question.outcome, outcome=question.treatment, lag=1, control=0.0, treated=1.0, modifiers=(), target="ATE")
    adjusted = ("authority", "year", *dict.fromkeys(names))
    made = design(panel, turned, replace(trial.identification, adjust_for=adjusted))
    if moved is not None:
        place = {name: i for i, name in enumerate(trial.design.authorities)}
        at = np.array([place.get(name, -1) for name in made.authorities])
        first = np.where(at >= 0, moved.first[at] - question.lag, 0)
        # up to the year of the move itself, which is the answer that feedback would give
        made = made.subset(np.flatnonzero(made.year <= first[made.authority]), "after the treatment's first move")
    if len(np.unique(made.year)) < FEWEST_YEARS:
        raise refusal(EstimationError, "reverse_causation", f"{FEWEST_YEARS} years of treatment", f"{len(np.unique(made.year))}", "give more years")
    later = [made.control_names.index(dated(question.outcome, -k)) for k in range(2, lags + 1)]
    columns = np.column_stack([made.treatment, made.controls[:, later]])
    return replace(made, controls=np.delete(made.controls, later, axis=1)), columns


def _fit(made: Design, columns: Floats) -> Fit:
    basis = made.basis()
    outcome = made.partial_out(made.outcome[:, None], basis)[:, 0]
    if np.linalg.norm(outcome) <= 1e-7 * np.linalg.norm(made.outcome - made.outcome.mean()):
        raise refusal(
            EstimationError,
            "reverse_causation",
            "a treatment with something of its own",
            "one that is told by its own past and what is held fixed",
            "adjust for less, or give more years",
        )
    residualised = made.partial_out(columns, basis)
    return clustered_least_squares(outcome, residualised, made.nuisance_basis(basis), made.cluster, len(made.clusters), absorbed_rank=basis.shape[1])


def _part(trial: Trial, made: Design, fit: Fit, spread: float, k: int) -> Part:
    effect, error = float(fit.coefficients[k]) * spread, float(fit.std_errors[k]) * spread
    lower, upper, _ = interval(effect, error, trial.question.level, float(fit.df[k]))
    return Part(
        kind="time",
        of=trial.design.outcome_variable.name,
        name=f"{count(k + 1, 'year')} before",
        since=k + 1,
        effect=effect,
        std_error=error,
        lower=lower,
        upper=upper,
        rows=made.rows,
        authorities=len(made.authorities),
    )
