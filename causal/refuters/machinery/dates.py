"""What checks of a series against its own past share: the series, and how it is fitted."""

from __future__ import annotations

from causal.interrupted import Model, OfSeries, Series, series_of
from causal.trial import Setting, Trial


def lacks_series(setting: Setting) -> str | None:
    """Why a setting has no series against its own past; None where it has."""
    estimator = setting.estimator
    if not isinstance(estimator, OfSeries) or setting.identification.strategy != "series":
        return f"{estimator.name} makes no comparison of a series with its own past"
    return None if series_of(setting.design, comparison=estimator.model.comparison) is not None else "no place comes to the treatment and keeps it"


def lacks_comparison(setting: Setting) -> str | None:
    """Why a setting has no series of places never treated that could still be asked; None where it has."""
    if (why := lacks_series(setting)) is not None:
        return why
    found, model = _of(setting)
    if found.others is None:
        return "every place is treated, so that there is none to compare with"
    return "the mean of places never treated is taken away already" if model.comparison else None


def cut_of(trial: Trial) -> tuple[Series, Model]:
    """The trial's series, and how it is fitted."""
    return _of(trial)


def _of(setting: Setting) -> tuple[Series, Model]:
    estimator = setting.estimator
    assert isinstance(estimator, OfSeries)
    found = series_of(setting.design, comparison=estimator.model.comparison)
    assert found is not None
    return found, estimator.model
