"""The library calls that `estimators.py` sets ours against: what the library is given, laid out beforehand, and its call.

Every function takes a design and one of our estimators and gives the call, which answers with the effect of the question's whole contrast. Some give two:
the call, and one more of its final stages. What is done before the call is not timed: demeaned columns where the library takes no authority
effects, dummies, tables with the index that it wants.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd

from causal.arrays import Floats
from causal.cohorts import cohorts
from causal.design import Design
from causal.estimators.doubly_robust import PropensityFit
from causal.estimators.machinery.dowhy_rows import estimand_of
from causal.estimators.machinery.nuisance import learner
from causal.estimators.machinery.one_row import CrossSection
from causal.estimators.machinery.transformed import scaled, transform
from causal.windows import between

Call = Callable[[], float]
Calls = Call | tuple[Call, Call]
USUAL = 1_200  # rows up to which statsmodels can hold a dummy for each authority


def of(name: str) -> Any:
    """A class of an outside library by its full name; only what a process needs is imported."""
    module, _, last = name.rpartition(".")
    return getattr(import_module(module), last)


def indexed(made: Design, *columns: Floats) -> tuple[pd.Series, pd.DataFrame]:
    """Outcome and columns as linearmodels wants them."""
    index = pd.MultiIndex.from_arrays([made.authority, made.year])
    table = np.column_stack(columns).astype(float)
    return pd.Series(made.outcome, index=index, name="y"), pd.DataFrame(table, index=index, columns=[f"x{j}" for j in range(table.shape[1])])


def ols(y: Floats, x: Floats, cluster: Any) -> Any:
    """statsmodels' coefficients and errors by cluster."""
    fitted = of("statsmodels.api.OLS")(y, x).fit(cov_type="cluster", cov_kwds={"groups": cluster})
    return fitted.params, fitted.bse


def pooled(made: Design, one: Any) -> Call:
    """statsmodels' least squares on what the estimator's own regression holds fixed."""
    used, scale = one.regression(made), made.question.contrast
    years = used.year_dummies() if "year" in used.absorb else np.empty((used.rows, 0))
    y, x, cluster = used.outcome, np.column_stack([used.treatment, np.ones(used.rows), used.controls, years]), used.cluster
    return lambda: scale * float(ols(y, x, cluster)[0][0])


def own_slopes(made: Design, _: Any) -> Call:
    """statsmodels' least squares on every place's dummy and own treatment, years and controls; the mean of the slopes."""
    places = (made.authority[:, None] == np.arange(len(made.authorities))).astype(float)
    number, scale = places.shape[1], made.question.contrast
    y, x = made.outcome, np.column_stack([places * made.treatment[:, None], places, made.controls, made.year_dummies()])
    return lambda: scale * float(of("statsmodels.api.OLS")(y, x).fit().params[:number].mean())


def linearmodels(kind: str, columns: Callable[[Design], list[Floats]], **effects: bool) -> Callable[[Design, Any], Call]:
    """A panel model of linearmodels, clustered; its first coefficient."""

    def prepare(made: Design, _: Any) -> Call:
        model, (y, x), scale = of(f"linearmodels.panel.{kind}"), indexed(made, *columns(made)), made.question.contrast
        return lambda: scale * float(model(y, x, **effects).fit(cov_type="clustered", cluster_entity=True).params.iloc[0])

    return prepare


def mundlak(made: Design) -> list[Floats]:
    """Deviations, means, years and the constant."""
    columns = np.column_stack([made.treatment, made.controls])
    deviation = made.demean(columns)
    return [deviation, columns - deviation, made.year_dummies(), np.ones(made.rows)]


def event_study(made: Design, one: Any) -> Call:
    """linearmodels on the usual dummies, averaged over the years after."""
    since, first, last = cohorts(made).since(made), -one.leads - 1, one.lags
    dummies = [since <= first, *(since == k for k in range(first + 1, last) if k != -1), since >= last]
    model, (y, x) = of("linearmodels.panel.PanelOLS"), indexed(made, *dummies, made.controls)

    def call() -> float:
        fitted = model(y, x, entity_effects=True, time_effects=True).fit(cov_type="clustered", cluster_entity=True)
        return float(fitted.params.iloc[one.leads : one.leads + one.lags + 1].mean())

    return call


def poisson(made: Design, _: Any) -> Call:
    """statsmodels' GLM on dummies; at the large size, where these would fill 10 GB, its conditional likelihood, which has the same slope."""
    assert made.population is not None
    exposure = made.population / made.population.mean()
    counts, question, cluster, wide = made.outcome * exposure, made.question, made.cluster, made.rows <= USUAL
    rate, dose = (float(np.average(column, weights=exposure)) for column in (made.outcome, made.treatment))
    x = np.column_stack([made.treatment, made.controls, made.year_dummies()])
    x = np.column_stack([x, made.authority[:, None] == np.arange(len(made.authorities))]) if wide else x
    family, model, conditional = (
        of(f"statsmodels.{name}") for name in ("genmod.families.Poisson", "api.GLM", "discrete.conditional_models.ConditionalPoisson")
    )

    def call() -> float:
        if wide:
            fitted = model(counts, x, family=family(), exposure=exposure).fit(cov_type="cluster", cov_kwds={"groups": cluster})
        else:
            fitted = conditional(counts, x, groups=cluster, offset=np.log(exposure)).fit(disp=0)
        slope = float(fitted.params[0])
        return rate * float(np.exp(slope * (question.treated - dose)) - np.exp(slope * (question.control - dose)))

    return call


def mediation(made: Design, _: Any) -> Call:
    """statsmodels' regressions of outcome on treatment and mediators, of each mediator and of the outcome on the treatment; columns demeaned beforehand."""
    raw = np.column_stack([made.column(f"{name}[-1]") for name in sorted(made.identification.mediators)])
    known = np.flatnonzero(np.isfinite(raw).all(axis=1))
    used = made.subset(known)
    basis, scale = used.basis(), made.question.contrast
    y, t, m = (used.partial_out(part, basis) for part in (used.outcome[:, None], used.treatment[:, None], raw[known]))
    both, cluster = np.column_stack([t, m]), used.cluster

    def call() -> float:
        ols(y[:, 0], both, cluster)
        for column in m.T:
            ols(column, t, cluster)
        return scale * float(ols(y[:, 0], t, cluster)[0][0])

    return call


def two_stages(made: Design, _: Any) -> Call:
    """linearmodels' IV2SLS on columns demeaned beforehand; a lasting instrument is multiplied by the others' mean treatment of the year."""
    z = made.column("z")
    if (np.diff(z)[np.diff(made.authority) == 0] == 0).all():
        at = np.unique(made.year, return_inverse=True)[1]
        z = z * (np.bincount(at, weights=made.treatment)[at] - made.treatment) / (np.bincount(at)[at] - 1)
    basis, cluster, scale, model = made.basis(), made.cluster, made.question.contrast, of("linearmodels.iv.IV2SLS")
    y, t, z = (made.partial_out(part[:, None], basis) for part in (made.outcome, made.treatment, z))
    return lambda: scale * float(model(y, None, t, z).fit(cov_type="clustered", clusters=cluster).params.iloc[0])


def crossfit(one: Any) -> dict[str, Any]:
    """EconML's own knobs for as many folds and repetitions as ours."""
    return {"cv": one.folds, "mc_iters": one.repetitions, "mc_agg": "median", "random_state": 1}


def nuisance(one: Any) -> Any:
    """The estimator's own learner, tuned in every training fold."""
    return learner(one.nuisance, np.random.default_rng(1))


def linear_dml(made: Design, one: Any) -> Call:
    """EconML's LinearDML on what is left once authority effects are taken out."""
    arrays, model, scale = transform(made, one.panel, one.nuisance, one.degree), of("econml.dml.LinearDML"), made.question.contrast

    def call() -> float:
        fitted = model(model_y=nuisance(one), model_t=nuisance(one), **crossfit(one))
        fitted.fit(arrays.outcome, arrays.treatment, W=arrays.features, groups=arrays.cluster, inference=None)
        return scale * float(fitted.const_marginal_effect().item())

    return call


def varying(kind: str, final: Callable[[Any], dict[str, Any]]) -> Callable[[Design, Any], Calls]:
    """EconML's double machine learning with effects that differ by modifiers; and one more of its final stages, but for the forest."""

    def prepare(made: Design, one: Any) -> Calls:
        arrays, model = transform(made, one.panel, one.nuisance, one.degree), of(f"econml.dml.{kind}")
        x, sizes = scaled(np.column_stack([m.values for m in made.modifiers])), [float(part.std()) for part in (arrays.outcome, arrays.treatment)]
        y, t, scale = arrays.outcome / sizes[0], arrays.treatment / sizes[1], made.question.contrast * sizes[0] / sizes[1]
        last: list[Any] = []
        how = {} if kind == "CausalForestDML" else {"inference": None, "cache_values": True}

        def call() -> float:
            fitted = model(model_y=nuisance(one), model_t=nuisance(one), **crossfit(one), **final(one))
            fitted.fit(y, t, X=x, W=arrays.features, groups=arrays.cluster, **how)
            last[:] = [fitted]
            return scale * float(fitted.const_marginal_effect(x).mean())

        def again() -> float:
            last[0].refit_final(inference=None)
            return scale * float(last[0].const_marginal_effect(x).mean())

        return (call, again) if how else call

    return prepare


def sparse(one: Any) -> dict[str, Any]:
    return {"featurizer": of("sklearn.preprocessing.PolynomialFeatures")(one.effect_degree, include_bias=False), "max_iter": 5000, "tol": 1e-3}


def kernel(one: Any) -> dict[str, Any]:
    return {"dim": one.dimension, "bw": one.bandwidth}


def boosted(one: Any) -> dict[str, Any]:
    knobs = {"max_iter": one.trees, "max_leaf_nodes": 4, "min_samples_leaf": one.smallest_leaf, "early_stopping": False, "random_state": 1}
    return {"model_final": of("sklearn.ensemble.HistGradientBoostingRegressor")(learning_rate=0.1, **knobs)}


def forest(one: Any) -> dict[str, Any]:
    return {"n_estimators": one.trees, "min_samples_leaf": one.smallest_leaf, "n_jobs": 1}


def learnt_instruments(kind: str, *roles: str, **more: Any) -> Callable[[Design, Any], Call]:
    """EconML's instruments with learnt nuisances, on what is left once authority effects are taken out; roles are what its models are called."""

    def prepare(made: Design, one: Any) -> Call:
        each = [transform(replace(made, treatment=column), one.panel, one.nuisance, one.degree) for column in (made.treatment, made.column("z"))]
        sizes = [float(part.std()) for part in (each[0].outcome, each[0].treatment, each[1].treatment)]
        y, t, z = (part / size for part, size in zip((each[0].outcome, each[0].treatment, each[1].treatment), sizes, strict=True))
        model, scale = of(f"econml.iv.{kind}"), made.question.contrast * sizes[0] / sizes[1]
        # the first effect, from which each row's is corrected, is a straight line; EconML's own choice tries several learners
        first = {"flexible_model_effect": of("sklearn.linear_model.LinearRegression")()} if "DR" in kind else {}

        def call() -> float:
            fitted = model(**{role: nuisance(one) for role in roles}, **first, **more, **crossfit(one))
            fitted.fit(y, t, Z=z, W=each[0].features, groups=each[0].cluster, inference=None)
            return scale * float(fitted.const_marginal_effect().item())

        return call

    return prepare


def dynamic_dml(made: Design, one: Any) -> Call:
    """EconML's DynamicDML, which takes one outcome a group: every outcome with a whole history is made a group of its own."""
    m, model, scale = one.periods, of("econml.panel.dml.DynamicDML"), made.question.contrast
    past = made.grid(made.column(f"{made.question.outcome}[-1]"))
    y, t, w = (made.grid(column) for column in (made.outcome, made.treatment, made.controls[:, 0]))
    ends = range(m, y.shape[1])  # the first year's past outcome is not known
    parts = []
    for end in ends:
        for s in range(end - m + 1, end + 1):
            year = np.broadcast_to(np.arange(ends[1], ends[-1] + 1) == end, (len(y), len(ends) - 1))
            parts.append(np.column_stack([y[:, s], t[:, s], w[:, s], past[:, s], t[:, s - 1], year]))
    table = np.concatenate(np.stack(parts, axis=1).reshape(len(y), len(ends) * m, -1))
    groups, features = np.repeat(np.arange(len(table) // m), m), scaled(table[:, 2:])

    def call() -> float:
        fitted = model(model_y=nuisance(one), model_t=nuisance(one), **crossfit(one))
        fitted.fit(table[:, 0], table[:, 1], W=features, groups=groups, inference=None)
        return scale * float(np.sum(fitted.const_marginal_effect()))

    return call


def framed(y: Floats, t: Floats, features: Floats) -> tuple[pd.DataFrame, list[str]]:
    """A frame as DoWhy wants it, and the names of what is held fixed."""
    names = [f"w{j}" for j in range(features.shape[1])]
    return pd.DataFrame(np.column_stack([y, t, features]), columns=["y", "t", *names]), names


def dowhy(
    kind: str, prepared: Callable[[Design, Any], tuple[Floats, Floats, Floats]], knobs: Callable[[], dict[str, Any]] = dict
) -> Callable[[Design, Any], Call]:
    """An estimator of DoWhy's with its own propensities, if it has any; it writes into its frame, so it gets a copy each time."""

    def prepare(made: Design, one: Any) -> Call:
        model = of(f"dowhy.causal_estimators.{kind}_estimator." + "".join(part.capitalize() for part in kind.split("_")) + "Estimator")
        (frame, names), scale = framed(*prepared(made, one)), made.question.contrast

        def call() -> float:
            table = frame.copy()
            fitted = model(estimand_of(names), **knobs())
            fitted.fit(table)
            return scale * float(fitted.estimate_effect(table, treatment_value=1, control_value=0, target_units="ate").value)

        return call

    return prepare


def gaussian() -> dict[str, Any]:
    return {"glm_family": of("statsmodels.genmod.families.Gaussian")(), "predict_score": True, "need_conditional_estimates": False}


def pooled_columns(made: Design, one: Any) -> tuple[Floats, Floats, Floats]:
    used = one.regression(made)
    return used.outcome, used.treatment, scaled(np.column_stack([used.controls, used.year_dummies()]))


def one_row(made: Design, one: Any) -> tuple[Floats, Floats, Floats]:
    rows: CrossSection = one.rows(made)
    return rows.design.outcome, rows.on, rows.features


def front_door(made: Design, _: Any) -> Call:
    """DoWhy's linear regression twice: what lies between on the treatment, the outcome on both."""
    between_, scale = made.column(made.identification.frontdoor[0]), made.question.contrast
    none = np.empty((made.rows, 0))
    frames = [framed(between_, made.treatment, none), framed(made.outcome, between_, made.treatment[:, None])]
    model = of("dowhy.causal_estimators.linear_regression_estimator.LinearRegressionEstimator")

    def call() -> float:
        product = scale
        for frame, names in frames:
            table = frame.copy()
            fitted = model(estimand_of(names))
            fitted.fit(table)
            product *= float(fitted.estimate_effect(table, treatment_value=1, control_value=0, target_units="ate").value)
        return product

    return call


def doubly_robust(kind: str, final: Callable[[Any], dict[str, Any]]) -> Callable[[Design, Any], Call]:
    """EconML's doubly robust learner with our learners."""

    def prepare(made: Design, one: Any) -> Call:
        (y, t, features), model = one_row(made, one), of(f"econml.dr.{kind}")
        groups = one.rows(made).design.cluster

        def call() -> float:
            fitted = model(
                model_regression=nuisance(one), model_propensity=PropensityFit(one.nuisance, 1), min_propensity=one.clip, **crossfit(one), **final(one)
            )
            x = features if final(one) else None
            fitted.fit(y, t, X=x, W=None if final(one) else features, groups=groups, inference=None)
            return float(np.mean(fitted.effect(x)))

        return call

    return prepare


def meta_learner(kind: str, *roles: str, propensity: bool = False) -> Callable[[Design, Any], Call]:
    """EconML's meta-learner on straight lines."""

    def prepare(made: Design, one: Any) -> Call:
        (y, t, features), model, line = one_row(made, one), of(f"econml.metalearners.{kind}"), of("sklearn.linear_model.LinearRegression")
        chance = {"propensity_model": of("sklearn.linear_model.LogisticRegression")(C=1e4, max_iter=2000)} if propensity else {}

        def call() -> float:
            fitted = model(**{role: line() for role in roles}, **chance)
            fitted.fit(y, t, X=features)
            return float(np.mean(fitted.effect(features)))

        return call

    return prepare


def diff_diff(kind: str, *aggregates: str, **knobs: Any) -> Callable[[Design, Any], Call]:
    """A staggered estimator of diff-diff, analytical errors; and its averages by year and by cohort, where it takes them apart from the fit."""

    def prepare(made: Design, _: Any) -> Call:
        table = pd.DataFrame({"u": made.authority, "t": made.year, "y": made.outcome, "w": made.controls[:, 0], "g": cohorts(made).first[made.authority]})
        model = of(f"diff_diff.{kind}")

        def call() -> float:
            fitted = model(**knobs).fit(table, outcome="y", unit="u", time="t", first_treat="g", covariates=["w"])
            for by in aggregates:
                fitted.aggregate(by)
            return float(fitted.overall_att)

        return call

    return prepare


def synthetic(kind: str, **knobs: Any) -> Callable[[Design, Any], Call]:
    """A synthetic comparison of diff-diff, all adopting in one year."""

    def prepare(made: Design, _: Any) -> Call:
        used = cohorts(made)
        on = (~used.never)[made.authority] if kind == "SyntheticDiD" else used.on
        table = pd.DataFrame({"u": made.authority, "t": made.year, "y": made.outcome, "d": on.astype(int)})
        model, after = of(f"diff_diff.{kind}"), [int(year) for year in np.unique(made.year) if year >= used.years[0]]
        alike = {"custom_v": np.ones(len(np.unique(made.year)) - len(after))} if "v_method" in knobs else {}
        return lambda: float(model(**knobs, **alike).fit(table, outcome="y", treatment="d", unit="u", time="t", post_periods=after).att)

    return prepare


def continuous_did(made: Design, one: Any) -> Call:
    """diff-diff's ContinuousDiD on the changes between the windows, as a panel of two years."""
    rows, contrast = between(made, binary=False), made.question.contrast
    dose = rows.treatment
    unit, zero = np.tile(np.arange(rows.rows), 2), np.zeros(rows.rows)
    table = pd.DataFrame(
        {"u": unit, "t": np.repeat([1, 2], rows.rows), "y": np.r_[zero, rows.outcome], "d": np.tile(dose, 2), "w": np.tile(rows.controls[:, 1], 2)}
    )
    table["g"] = np.where(table["d"] > 0, 2, 0)
    model = of("diff_diff.ContinuousDiD")

    def call() -> float:
        fitted = model(degree=one.degree, dvals=np.array([contrast]), covariates=["w"], estimation_method="reg")
        return float(fitted.fit(table, outcome="y", unit="u", time="t", first_treat="g", dose="d").dose_response_att.effects[0])

    return call
