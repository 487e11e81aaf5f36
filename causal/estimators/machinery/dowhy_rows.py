"""What DoWhy's back-door estimators share here: one row for each authority, handed over as a copy with sorted names.

DoWhy is given propensities of ours and gives the effect; ours must equal it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from causal.arrays import Floats
from causal.design import Design
from causal.errors import DesignError, EstimationError, refusal
from causal.estimators.machinery.long_difference import Years, check_degree, check_windows, cross_section
from causal.estimators.machinery.one_row import CrossSection
from causal.needs import Need


def _covariates(estimator: Any, design: Design) -> str | None:
    try:
        made = estimator.rows(design)
    except DesignError:
        return None  # said by the need for two kinds
    return None if made.features.shape[1] else "there is nothing to adjust for, so nothing to tell who is like whom"


COVARIATES = Need("something to adjust for", _covariates)


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Which rows.

    Parameters
    ----------
    before, after : windows of outcome years, (first, last); None takes the first two and the last two.
    base_outcome : whether the outcome's level in the first window is adjusted for.
    degree : of the polynomial of the covariates, 1 to 3.
    """

    before: Years = None
    after: Years = None
    base_outcome: bool = True
    degree: int = 1

    def __post_init__(self) -> None:
        check_degree(self.degree)
        for key, window in zip(("before", "after"), check_windows(self.before, self.after), strict=True):
            object.__setattr__(self, key, window)

    @property
    def one_year(self) -> bool:
        """Whether covariates known in one window alone stand beside places held fixed, as they do of changes."""
        return True

    def rows(self, design: Design) -> CrossSection:
        """One row for each authority."""
        return cross_section(design, before=self.before, after=self.after, base_outcome=self.base_outcome, degree=self.degree)


def agree(name: str, ours: float, theirs: float) -> None:
    """Refuse an answer that DoWhy does not give too.

    Parameters
    ----------
    name : the estimator's.
    ours, theirs : in one unit; a relative difference of 1e-5 is allowed.

    Raises
    ------
    EstimationError : they differ.
    """
    if not np.isclose(ours, theirs, rtol=1e-5, atol=1e-9):
        raise refusal(
            EstimationError,
            name,
            f"DoWhy's effect to be ours, {ours:g}",
            f"{theirs:g}; some covariates may be told by others almost exactly",
            "adjust for fewer with  adjust_for=[…]",
        )


def frame_of(made: CrossSection, features: Floats) -> tuple[Any, list[str]]:
    """A copy of the columns for DoWhy, which writes into what it is given, and the features' names, sorted.

    Parameters
    ----------
    made : one row an authority.
    features : shape (rows, k); k may be 0.
    """
    import pandas as pd

    if not features.shape[1]:
        features = np.empty((len(made.on), 0))
    names = [f"w{i:04d}" for i in range(features.shape[1])]
    return pd.DataFrame(np.column_stack([made.design.outcome, made.on, features]), columns=["y", "t", *names]), names


def estimand_of(names: list[str], **more: Any) -> Any:
    """What DoWhy's estimators want to be told: y on t, these held fixed.

    Parameters
    ----------
    names : of the columns held fixed.
    **more : as DoWhy's `IdentifiedEstimand` takes it.
    """
    # DoWhy takes seconds to import
    from dowhy.causal_identifier.auto_identifier import EstimandType
    from dowhy.causal_identifier.identified_estimand import IdentifiedEstimand

    estimand = IdentifiedEstimand(
        None,
        treatment_variable=["t"],
        outcome_variable=["y"],
        estimand_type=EstimandType.NONPARAMETRIC_ATE,
        estimands={"backdoor": True},
        backdoor_variables={"backdoor": names},
        default_backdoor_id="backdoor",
        **more,
    )
    estimand.set_identifier_method("backdoor")
    return estimand


def effect_of(made: CrossSection, kind: str, propensity: Floats | None, **knobs: Any) -> float:
    """DoWhy's effect of 1 against 0 on those counted.

    Parameters
    ----------
    made : one row an authority; gives the target.
    kind : the estimator's module in DoWhy, without `_estimator`.
    propensity : shape (rows,), propensity scores that it is to use; None: its own.
    **knobs : of DoWhy's class.

    Returns
    -------
    effect : outcome units.
    """
    from importlib import import_module

    # DoWhy takes seconds to import
    home = import_module(f"dowhy.causal_estimators.{kind}_estimator")
    frame, names = frame_of(made, made.features)
    if not names:
        frame["w"], names = 0.0, ["w"]
    if propensity is not None:
        frame["propensity_score"] = propensity
        knobs |= {"min_ps_score": 0.0, "max_ps_score": 1.0} if kind.endswith("weighting") else {}
    estimator: Any = getattr(home, "".join(part.capitalize() for part in kind.split("_")) + "Estimator")(estimand_of(names), **knobs)
    estimator.fit(frame)
    units = "ate" if made.whom is None else "att" if made.whom == 1 else "atc"
    return float(estimator.estimate_effect(frame, treatment_value=1, control_value=0, target_units=units).value)
