"""Does something that cannot act seem to move the outcome?

A negative control exposure shares the causes that may confound the answer and cannot move the outcome. Put in the treatment's place, in the same
design, its effect must be null; where it is not, what confounds it may confound the treatment (Lipsitch, Tchetgen Tchetgen & Cohen
2010, Negative controls: a tool for detecting confounding and bias in observational studies; Sanderson, Macdonald-Wallis & Davey Smith 2018, Negative
control exposure studies in the presence of measurement error). The treatment itself is held fixed beside the controls: an exposure that merely goes with
the treatment would otherwise borrow its effect and raise a false alarm.

What it finds is carried over to the treatment in residual standard deviations, as if the common cause moved both alike. With λ² the correlation of treatment
and control, a cause that adds c to the outcome biases the treatment's slope by cλ and leaves, beside the treatment, cλ / (1 + λ²) for the control: so its
slope is taken 1 + λ² times, and with the sign of the correlation.

The control is dated as the treatment is. Several are tested together by Holm's rule.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from causal.declared import Columns
from causal.design import Design
from causal.errors import suggest
from causal.estimate import lighter
from causal.graph import dated, undated
from causal.inference.detectable import minimum_detectable
from causal.inference.multiplicity import smallest
from causal.knobs import true_or_false
from causal.refutation import Family, Refutation, Role
from causal.refuters import not_run, p_text, reporting, unsure
from causal.refuters.machinery.controls import NOTHING_LEFT, Answer, answers, column_names, effect_text, minimum_detectable_bias, tied
from causal.rows import Control
from causal.trial import Setting, Trial
from causal.words import count, places


@dataclass(frozen=True, slots=True, kw_only=True)
class NegativeControlExposure:
    """The same analysis of exposures that cannot move the outcome.

    Parameters
    ----------
    exposures : names of columns; none: not run.
    hold_treatment : whether the treatment is conditioned on beside the controls.
    """

    family: ClassVar[Family] = "bias"
    role: ClassVar[Role | None] = "negative_control"
    label: ClassVar[str] = "a treatment that cannot act"
    catches: ClassVar[str] = "hidden_cause"

    exposures: Columns = ()
    hold_treatment: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "exposures", column_names("negative_control_exposure.exposures", self.exposures))
        true_or_false("negative_control_exposure.hold_treatment", self.hold_treatment)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "negative_control_exposure"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        if not self.exposures:
            return f"no exposure is named that cannot move {setting.question.outcome}; name columns with  refuters.{self.name}.exposures=[…]"
        refused = [self._refused(setting, name) for name in self.exposures]
        return None if None in refused else f"none of the exposures named can serve: {'; '.join(map(str, refused))}"

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to find an effect of what cannot act.

        Parameters
        ----------
        trial : with exposures that cannot act, named or found.
        rng : not used; each control has its own stream.
        """
        question = trial.question
        report = reporting(
            self,
            asks="Do exposures that cannot act on the outcome seem to move it?",
            expected="No effect of any of them" + (", with the treatment held fixed." if self.hold_treatment else "."),
            detects="Confounding, lasting or changing, measured or not, by anything that moves the control exposures too; "
            "a treatment recorded with error, where a control goes with what it truly was.",
            cannot_detect="Confounders that leave the control exposures alone, and bias too small for them to show. "
            "That they cannot act on the outcome is assumed, not tested.",
        )
        if (why := self.unmet(trial) or unsure(trial)) is not None:
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
            said.append(f"{made.treatment_variable.label} ({ends}) {effect_text(made, one)}")
        p_value = smallest([float(one.p_value or 0.0) for _, one in found.values()])
        survived = p_value >= 1 - question.level
        scales = {name: self._scale(trial, made) for name, (made, _) in found.items()}
        surest = min(found, key=lambda name: float(found[name][1].p_value or 0.0))
        scale, of_it = scales[surest], found[surest][1]
        known_scales = [(one, by) for name, (_, one) in found.items() if (by := scales[name]) is not None]
        words = f"Effects on {trial.design.outcome_variable.label}: {'; '.join(said)}. "
        if survived:
            size = f"{weakest:.{places(weakest)}f} {trial.design.outcome_variable.unit}"
            words += f"None is more than chance; an effect of {size} or more would have been seen four times in five. "
        else:
            words += f"That is more than chance ({p_text(p_value)}, over {count(len(found), 'control')}): something that moves them moves the outcome too. "
        known = () if trial.graph is None else tuple(node.name for node in trial.graph.nodes)
        if unknown := [name for name in found if name not in known]:
            words += f"That {', '.join(unknown)} cannot act is taken from whoever named it; the graph says nothing of it. "
        if out:
            words += f"Left out: {out}."
        return report(
            found=words.strip(),
            p_value=p_value,
            survived=survived,
            level=1 - question.level,
            numbers=numbers,
            bias=None if scale is None else of_it.effect * scale,
            bias_error=None if scale is None else float(of_it.std_error or 0.0) * abs(scale),
            blind_below=minimum_detectable_bias(known_scales, 1 - question.level),
        )

    def _asked(self, trial: Trial, name: str) -> Answer:
        """The design's question of another treatment: its two values, or one standard deviation about its mean."""
        question, identification = trial.question, trial.identification
        values = trial.panel.frame[name].dropna().to_numpy()
        two = np.unique(values)
        middle, half = float(values.mean()), float(values.std()) / 2
        low, high = (float(two[0]), float(two[1])) if len(two) == 2 else (middle - half, middle + half)
        adjusted = identification
        if self.hold_treatment:
            adjusted = replace(identification, adjust_for=tuple(sorted({*identification.adjust_for, self._treatment(trial)})))
        return trial.rerun(question=replace(question, treatment=name, control=low, treated=high), identification=adjusted, estimator=lighter(trial.estimator))

    def _scale(self, trial: Trial, design: Design) -> float | None:
        """What one unit of a control's effect means for the answer, if their common cause moves both alike; None where nothing of one is left.

        design : the control's own design, in which the treatment may be conditioned on.
        """
        name = self._treatment(trial)
        out = design.control_groups.get(Control(name), ()) if self.hold_treatment else ()
        kept = [i for i in range(design.controls.shape[1]) if i not in out]
        beside = design.controls[:, list(out)] if out else None
        if beside is None or beside.shape[1] != 1:
            place = pd.MultiIndex.from_arrays([np.array(design.authorities, dtype=object)[design.authority], design.year], names=["authority", "year"])
            lag = 0 if trial.panel.variable(trial.question.treatment).varies == "authority" else trial.question.lag
            beside = trial.panel.shift(trial.question.treatment, -lag).reindex(place).to_numpy(dtype=float)[:, None]
        if not np.isfinite(beside).all():
            return None
        alone = replace(design, controls=design.controls[:, kept], control_names=tuple(design.control_names[i] for i in kept), control_groups={})
        control, treatment = alone.partial_out(np.column_stack([design.treatment, beside[:, 0]])).T
        lengths = [float(np.linalg.norm(one)) for one in (control, treatment)]
        if min(lengths) <= NOTHING_LEFT * max(lengths):
            return None
        r = float(control @ treatment) / (lengths[0] * lengths[1])
        alike = lengths[0] / lengths[1] * trial.question.contrast / design.question.contrast
        return alike * float(np.copysign(1 + abs(r) * bool(out), r))

    def _treatment(self, trial: Setting) -> str:
        """The treatment as an adjustment set names it."""
        question = trial.question
        lasting = trial.panel.variable(question.treatment).varies == "authority"
        return question.treatment if lasting else dated(question.treatment, -question.lag)

    def _refused(self, trial: Setting, name: str) -> str | None:
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
