"""Does something that cannot act seem to move the outcome?

A negative control exposure shares the causes that may confound the answer and cannot move the outcome. Put in the treatment's place, in the same
design, its effect must be null; where it is not, what confounds it may confound the treatment (Lipsitch, Tchetgen Tchetgen & Cohen
2010, Negative controls: a tool for detecting confounding and bias in observational studies; Sanderson, Macdonald-Wallis & Davey Smith 2018, Negative
control exposure studies in the presence of measurement error). The treatment itself is held fixed beside the controls: an exposure that merely goes with
the treatment would otherwise borrow its effect and raise a false alarm.

The control is dated as the treatment is. Several are tested together by Holm's rule.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from causal.errors import suggest
from causal.graph import dated, undated
from causal.inference.detectable import minimum_detectable
from causal.inference.multiplicity import smallest
from causal.knobs import true_or_false
from causal.refute import Refutation, Trial
from causal.refuters import chance, not_run, unsure
from causal.refuters.negative_control_outcome import Answer, answers, column_names, tied, told
from causal.words import count, places


@dataclass(frozen=True, slots=True, kw_only=True)
class NegativeControlExposure:
    """The same analysis of exposures that cannot move the outcome.

    Parameters
    ----------
    exposures : names of columns; none: not run.
    hold_treatment : whether the treatment is held fixed beside the controls.
    """

    exposures: tuple[str, ...] = ()
    hold_treatment: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "exposures", column_names("negative_control_exposure.exposures", self.exposures))
        true_or_false("negative_control_exposure.hold_treatment", self.hold_treatment)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "negative_control_exposure"

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to find an effect of what cannot act."""
        question = trial.question
        report = partial(
            Refutation,
            name=self.name,
            asks="Do exposures that cannot act on the outcome seem to move it?",
            expected="No effect of any of them" + (", with the treatment held fixed." if self.hold_treatment else "."),
            detects="Confounding, lasting or changing, measured or not, by anything that moves the control exposures too; "
            "a treatment recorded with error, where a control goes with what it truly was.",
            cannot_detect="Confounders that leave the control exposures alone, and bias too small for them to show. "
            "That they cannot act on the outcome is assumed, not tested.",
        )
        if not self.exposures:
            reason = f"no exposure is named that cannot move {question.outcome}; name columns with  refuters.{self.name}.exposures=[…]"
            return not_run(report, reason)
        if (why := unsure(trial)) is not None:
            return not_run(report, why)
        found, out = answers(trial, self.name, self.exposures, lambda name: self._asked(trial, name), lambda name: self._refused(trial, name))
        if not found:
            return not_run(report, f"none of the exposures named can serve: {out}")
        numbers: dict[str, float | None] = {"controls": float(len(found))}
        said, weakest = [], 0.0
        for name, (made, one) in found.items():
            numbers |= {f"{name}: effect": one.effect, f"{name}: standard error": one.std_error, f"{name}: p-value": one.p_value}
            detectable = minimum_detectable(one.std_error or 0.0, one.df, question.level)
            weakest = max(weakest, detectable)
            numbers[f"{name}: effect that would have been seen"] = detectable
            ends = " to ".join(f"{end:.3g}".replace("-", "−") for end in (made.question.control, made.question.treated))
            said.append(f"{made.treatment_variable.label} ({ends}) {told(made, one)}")
        p_value = smallest([float(one.p_value or 0.0) for _, one in found.values()])
        survived = p_value >= 1 - question.level
        words = f"Effects on {trial.design.outcome_variable.label}: {'; '.join(said)}. "
        if survived:
            size = f"{weakest:.{places(weakest)}f} {trial.design.outcome_variable.unit}"
            words += f"None is more than chance; an effect of {size} or more would have been seen four times in five. "
        else:
            words += f"That is more than chance ({chance(p_value)}, over {count(len(found), 'control')}): something that moves them moves the outcome too. "
        known = () if trial.graph is None else tuple(node.name for node in trial.graph.nodes)
        if unknown := [name for name in found if name not in known]:
            words += f"That {', '.join(unknown)} cannot act is taken from whoever named it; the graph says nothing of it. "
        if out:
            words += f"Left out: {out}."
        return report(found=words.strip(), p_value=p_value, survived=survived, numbers=numbers)

    def _asked(self, trial: Trial, name: str) -> Answer:
        """The design's question of another treatment: its two values, or one standard deviation about its mean."""
        question, identification = trial.question, trial.identification
        values = trial.panel.frame[name].dropna().to_numpy()
        two = np.unique(values)
        middle, half = float(values.mean()), float(values.std()) / 2
        low, high = (float(two[0]), float(two[1])) if len(two) == 2 else (middle - half, middle + half)
        held = identification
        if self.hold_treatment:
            held = replace(identification, adjust_for=tuple(sorted({*identification.adjust_for, self._treatment(trial)})))
        return trial.rerun(question=replace(question, treatment=name, control=low, treated=high), identification=held)

    def _treatment(self, trial: Trial) -> str:
        """The treatment as an adjustment set names it."""
        question = trial.question
        lasting = trial.panel.variable(question.treatment).varies == "authority"
        return question.treatment if lasting else dated(question.treatment, -question.lag)

    def _refused(self, trial: Trial, name: str) -> str | None:
        """Why a column cannot be a negative control exposure here."""
        question = trial.question
        if name not in trial.panel.names:
            return f"{name} is no column: {suggest(name, trial.panel.names).rstrip('.')}"
        if name in (question.treatment, question.outcome):
            return f"{name} is what the question is about"
        if name in {undated(one)[0] for one in trial.identification.adjust_for}:
            return f"{name} is held fixed as a control, which leaves nothing of it"
        fixed = (*trial.identification.adjust_for, *([self._treatment(trial)] if self.hold_treatment else []))
        if (why := tied(trial, name, question.outcome, fixed)) is not None:
            return why
        return None if np.unique(trial.panel.frame[name].dropna()).size > 1 else f"{name} never varies"
