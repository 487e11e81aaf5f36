"""What checks of a logit share: the model that the estimator's odds rest on, fitted, or why there is none."""

from __future__ import annotations

from causal.inference.logit import Logit
from causal.odds import Model, OfOdds, fitted, model_of
from causal.trial import Setting, Trial


def lacks_logit(setting: Setting) -> str | None:
    """Why a setting has no logit; None where it has."""
    return None if isinstance(setting.estimator, OfOdds) else f"{setting.estimator.name} has no odds and no link function: it is no logit"


def fitted_logit(trial: Trial) -> tuple[OfOdds, Model, Logit]:
    """The trial's estimator of odds, its columns, and the logit fitted to them.

    Parameters
    ----------
    trial : of an estimator of odds.

    Raises
    ------
    CausalError : it cannot be fitted.
    """
    assert isinstance(trial.estimator, OfOdds)
    model = model_of(trial.design)
    return trial.estimator, model, fitted(trial.design, model)
