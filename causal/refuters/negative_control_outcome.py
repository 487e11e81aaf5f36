"""Does the treatment seem to move something that it cannot move?

A negative control outcome shares the causes that may confound the answer and cannot be moved by the treatment. In the same design its effect must
be null; where it is not, what reaches it reaches the answer too (Lipsitch, Tchetgen Tchetgen & Cohen 2010, Negative controls: a tool
for detecting confounding and bias in observational studies). Several are tested together by Holm's rule. One control that shows
nothing clears the answer only of what would have moved it enough to be seen, so the bias that would have been seen is said too. Bias is carried over in
residual standard deviations: what moves a control by a tenth of its own is taken to move the answer's outcome by a tenth of its, the same way.

With enough of them their effects say how far the design errs, beyond chance: θᵢ ~ N(μ, σ² + sᵢ²), each in residual standard deviations of
its own outcome. The calibrated interval takes μ off and adds σ (Schuemie and others 2014, Interpreting observational studies: why empirical calibration is
needed to correct p-values; 2018, Empirical confidence interval calibration for population-level effect estimation studies in healthcare). There are few
controls on a panel, not fifty, and they share its shocks: σ is estimated by restricted likelihood, chance errors keep their covariance by
authority, and the error of μ and few degrees of freedom for σ widen the interval (Higgins, Thompson & Spiegelhalter 2009, A re-evaluation of
random-effects meta-analysis). It assumes that the answer errs as the controls do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from causal.arrays import Floats
from causal.declared import Columns
from causal.design import Design
from causal.errors import suggest
from causal.estimate import lighter
from causal.graph import dated, undated
from causal.inference.clustered import interval, joint_test
from causal.inference.detectable import minimum_detectable
from causal.inference.multiplicity import smallest
from causal.knobs import whole_number
from causal.refutation import Family, Refutation, Role
from causal.refuters import not_run, p_text, reporting, unsure
from causal.refuters.machinery.controls import NOTHING_LEFT, Answer, answers, column_names, effect_text, minimum_detectable_bias, tied
from causal.trial import Setting, Trial
from causal.words import capital, count, listed, places, signed, span


def residual_sd(design: Design) -> float:
    """Standard deviation of the outcome without what is absorbed and adjusted for and without the treatment, outcome units."""
    basis = design.basis()
    outcome, treatment = (design.partial_out(column[:, None], basis)[:, 0] for column in (design.outcome, design.treatment))
    residual = outcome - treatment * (treatment @ outcome) / (treatment @ treatment)
    df_residual = design.rows - basis.shape[1] - 1 - (len(design.authorities) if "authority" in design.absorb else 1)
    return float(np.sqrt(residual @ residual / max(df_residual, 1)))


def systematic_error(effects: Floats, covariance: Floats) -> tuple[float, float, Floats]:
    """Mean and standard deviation of what effects that should be null have beyond chance, by restricted maximum likelihood.

    Parameters
    ----------
    effects : shape (k,), of k controls on one scale.
    covariance : shape (k, k), of their chance errors.

    Returns
    -------
    mean, sd, and the weights, shape (k,), that give the mean.
    """
    from scipy.optimize import minimize_scalar

    one = np.ones(len(effects))

    def fit(sd: float) -> tuple[float, Floats, float]:
        whole = covariance + sd**2 * np.eye(len(effects))
        inverse = np.linalg.pinv(whole, hermitian=True)
        told_by = float(one @ inverse @ one)
        weights = inverse @ one / told_by
        residual = effects - float(weights @ effects)
        return float(weights @ effects), weights, float(np.linalg.slogdet(whole)[1] + np.log(told_by) + residual @ inverse @ residual)

    top = 10 * float(np.sqrt(np.trace(covariance) / len(effects)) + np.std(effects))
    found = minimize_scalar(lambda sd: fit(sd)[2], bounds=(0.0, top), method="bounded", options={"xatol": 1e-9 * top})
    sd = float(found.x) if found.fun < fit(0.0)[2] else 0.0
    mean, weights, _ = fit(sd)
    return mean, sd, weights


def calibrated(effect: float, covariance: Floats, controls: Floats, level: float, df: float) -> dict[str, float]:
    """An effect with the systematic error of its controls taken off and counted.

    Parameters
    ----------
    effect : to be calibrated.
    covariance : shape (1 + k, 1 + k), of chance errors, the effect's first.
    controls : shape (k,), effects that should be null, all on one scale.
    level : of the interval.
    df : of the effect's own error.
    """
    mean, sd, weights = systematic_error(controls, covariance[1:, 1:])
    own = float(covariance[0, 0])
    beside = sd**2 + float(weights @ (covariance[1:, 1:] + sd**2 * np.eye(len(controls))) @ weights)
    variance = max(own + beside - 2 * float(weights @ covariance[0, 1:]), own * 1e-6)
    freedom = (own + beside) ** 2 / (own**2 / df + beside**2 / (len(controls) - 2))
    lower, upper, p_value = interval(effect - mean, float(np.sqrt(variance)), level, freedom)
    return {"mean": mean, "sd": sd, "effect": effect - mean, "std_error": float(np.sqrt(variance)), "lower": lower, "upper": upper, "p_value": p_value}


@dataclass(frozen=True, slots=True, kw_only=True)
class NegativeControlOutcome:
    """The same analysis of outcomes that the treatment cannot move.

    Parameters
    ----------
    outcomes : names of columns; none: those whose source says why nothing that is studied can move them (`Variable.unmoved`).
    calibrate_from : fewest of them from which the answer's interval is calibrated, at least 3.
    """

    family: ClassVar[Family] = "bias"
    role: ClassVar[Role | None] = "negative_control"
    label: ClassVar[str] = "an outcome it cannot move"
    catches: ClassVar[str] = "hidden_cause"

    outcomes: Columns = ()
    calibrate_from: int = 5

    def __post_init__(self) -> None:
        object.__setattr__(self, "outcomes", column_names("negative_control_outcome.outcomes", self.outcomes))
        whole_number("negative_control_outcome.calibrate_from", self.calibrate_from, 3)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "negative_control_outcome"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        outcomes = self._named(setting)
        if not outcomes:
            free = _unmoved(setting)
            hint = f"; of the graph's own the treatment moves none of {listed(free[:6])}" if free else ""
            return (
                f"no outcome is named that the treatment cannot move, and that is moved by what moves {setting.question.outcome}; "
                f"name columns with  refuters.{self.name}.outcomes=[…]{hint}"
            )
        refused = [_refused(setting, name) for name in outcomes]
        return None if None in refused else f"none of the outcomes named can serve: {'; '.join(map(str, refused))}"

    def _named(self, setting: Setting) -> tuple[str, ...]:
        """The columns that are to serve."""
        return self.outcomes or tuple(one.name for one in setting.panel.variables if one.unmoved)

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to find an effect where there can be none.

        Parameters
        ----------
        trial : with outcomes that the treatment cannot move, named or found.
        rng : not used; each control has its own stream.
        """
        question = trial.question
        report = reporting(
            self,
            asks="Does the treatment seem to move outcomes that it cannot move?",
            expected="No effect on any of them.",
            detects="Confounding, lasting or changing, measured or not, by anything that moves the control outcomes too.",
            cannot_detect="Confounders that leave the control outcomes alone, bias too small for them to show, and reverse causation from the outcome itself. "
            "That the treatment cannot move them is assumed, not tested.",
        )
        if (why := self.unmet(trial) or unsure(trial)) is not None:
            return not_run(report, why)
        outcomes = self._named(trial)
        found, out = answers(
            trial,
            self.name,
            outcomes,
            lambda name: trial.rerun(question=replace(question, outcome=name), estimator=lighter(trial.estimator)),
            lambda name: _refused(trial, name),
        )
        if not found:
            return not_run(report, f"none of the outcomes named can serve: {out}")
        numbers: dict[str, float | None] = {"controls": float(len(found))}
        own = residual_sd(trial.design)
        said, weakest = [], 0.0
        for name, (made, one) in found.items():
            numbers |= {f"{name}: effect": one.effect, f"{name}: standard error": one.std_error, f"{name}: p-value": one.p_value}
            bias = minimum_detectable(one.std_error or 0.0, one.df, question.level) / residual_sd(made) * own
            numbers[f"{name}: bias of the answer that would have been seen"] = bias
            weakest = max(weakest, bias)
            said.append(f"{made.outcome_variable.label} {effect_text(made, one)}")
        p_value = smallest([float(one.p_value or 0.0) for _, one in found.values()])
        survived = p_value >= 1 - question.level
        surest, of_it = min(found.values(), key=lambda pair: float(pair[1].p_value or 0.0))
        scale = own / residual_sd(surest)
        together = _scores(trial, list(found.values()), own)
        if together is not None and len(found) > 1:
            numbers["joint p-value"] = joint_test(np.array([one.effect / residual_sd(made) for made, one in found.values()]), together[:, 1:], _df(trial))[2]
        decimals, unit = places(max(abs(trial.estimate.effect), weakest)), trial.design.outcome_variable.unit
        words = f"Effects of the treatment: {'; '.join(said)}. "
        if survived:
            size = f"{weakest:.{decimals}f} {unit}"
            words += f"None is more than chance. A bias of the answer by {size} or more, if it moves them alike in standard deviations, would have been seen "
            words += "four times in five. "
        else:
            words += f"That is more than chance ({p_text(p_value)}, over {count(len(found), 'control')}): something beside the treatment moves them, "
            words += "and may move the answer too. "
        if len(found) >= self.calibrate_from:
            more, sentence = _calibration(trial, found, together, own)
            numbers |= more
            words += sentence
        if out:
            words += f"Left out: {out}."
        return report(
            found=words.strip(),
            p_value=p_value,
            survived=survived,
            level=1 - question.level,
            numbers=numbers,
            bias=of_it.effect * scale,
            bias_error=float(of_it.std_error or 0.0) * scale,
            blind_below=minimum_detectable_bias([(one, own / residual_sd(made)) for made, one in found.values()], 1 - question.level),
        )


def _unmoved(trial: Setting) -> list[str]:
    """Columns that could serve, by the graph; of one that it does not draw it says nothing."""
    drawn = [] if trial.graph is None else [node.name for node in trial.graph.nodes if node.name in trial.panel.names and node.varies == "both"]
    return [name for name in drawn if _refused(trial, name) is None and name != trial.panel.population]


def _refused(trial: Setting, name: str) -> str | None:
    """Why a column cannot be a negative control outcome here."""
    question, identification = trial.question, trial.identification
    if name not in trial.panel.names:
        return f"{name} is no column: {suggest(name, trial.panel.names).rstrip('.')}"
    if name in (question.treatment, question.outcome):
        return f"{name} is what the question is about"
    if name in {undated(one)[0] for one in identification.adjust_for}:
        return f"{name} is held fixed as a control, which leaves nothing of it"
    if name in identification.descendants:
        return f"the graph says that {question.treatment} moves {name}, so that an effect on it would be no fault"
    if trial.panel.variable(name).varies != "both" and "authority" in trial.design.absorb:
        return f"{name} does not change within an authority, or is the same for all"
    if (why := tied(trial, name, dated(question.treatment, -question.lag), trial.identification.adjust_for)) is not None:
        return why
    left = trial.panel.frame[name].to_numpy()
    if not np.isfinite(left).any():
        return f"{name} is known nowhere"
    return None if np.nanstd(left) > NOTHING_LEFT * max(float(np.nanmax(np.abs(left), initial=0.0)), np.finfo(float).tiny) else f"{name} never varies"


def _df(trial: Trial) -> float:
    return float(len(trial.design.clusters) - 1) if trial.estimate.df is None else trial.estimate.df


def _scores(trial: Trial, found: list[Answer], own: float) -> Floats | None:
    """Influence by cluster of the answer and the controls, in residual standard deviations, shape (clusters, 1 + k); None where some have none."""
    clusters = trial.design.clusters
    at = {name: i for i, name in enumerate(clusters)}
    if trial.estimate.influence is None:
        return None
    columns = [trial.estimate.influence / own]
    for made, one in found:
        if one.influence is None or not set(made.clusters) <= set(clusters):
            return None
        column = np.zeros(len(clusters))
        column[[at[name] for name in made.clusters]] = one.influence / residual_sd(made)
        columns.append(column)
    return np.column_stack(columns)


def _calibration(trial: Trial, found: dict[str, Answer], together: Floats | None, own: float) -> tuple[dict[str, float | None], str]:
    """The answer's interval with the controls' systematic error counted: numbers in outcome units, and a sentence."""
    estimate, unit = trial.estimate, trial.design.outcome_variable.unit
    assert estimate.std_error is not None
    controls = np.array([one.effect / residual_sd(made) for made, one in found.values()])
    if together is not None:
        covariance = together.T @ together
    else:
        covariance = np.diag([(estimate.std_error / own) ** 2, *((float(one.std_error or 0.0) / residual_sd(made)) ** 2 for made, one in found.values())])
    made = calibrated(estimate.effect / own, covariance, controls, trial.question.level, _df(trial))
    scaled = {key: value * own for key, value in made.items() if key != "p_value"}
    decimals = places(max(abs(scaled["effect"]), scaled["std_error"]))
    sentence = (
        f"Over the {len(found)} controls the systematic error is {signed(scaled['mean'], decimals)} on average, with a standard deviation of "
        f"{scaled['sd']:.{decimals}f} {unit}; with it the answer would be {signed(scaled['effect'], decimals)} "
        f"({span(scaled['lower'], scaled['upper'], decimals)}, {p_text(made['p_value'])}). "
    )
    words = {"mean": "systematic error, mean", "sd": "systematic error, standard deviation"}
    return {words.get(key, f"calibrated {key.replace('_', ' ')}"): value for key, value in (scaled | {"p_value": made["p_value"]}).items()}, capital(sentence)
