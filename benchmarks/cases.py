"""What `estimators.py` compares: each estimator, the panel it is asked on, the library call under it (bare.py), and how often ours has to make it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import bare
import numpy as np
import pandas as pd
import truth
from bare import Calls

from causal.design import Design, design
from causal.graph import Graph
from causal.identify import identify
from causal.panel import Panel, Variable

USUAL, LARGE = 1_200, 100_000
FROM = {"counts": "dose", "exposure": "instrument", "one row": "adoption", "block": "adoption", "single": "adoption", "doses": "adoption"}
# with instruments something is held fixed, so that there is something to learn; synthetic comparisons of diff-diff take no controls
FORCED = dict.fromkeys(("instrument", "exposure"), ("authority", "year", "poverty")) | dict.fromkeys(("block", "single"), ("authority", "year"))
WINDOWS = {"after": [2018, 2018]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One estimator and the library call under it.

    Parameters
    ----------
    kind : of panel, see `designed`.
    bare : from the design and the estimator, the library's call; or that, and one more of its final stages.
    call : that call in words.
    target, grouped : of the question.
    knobs : of the estimator; `large` are those that differ at the large size, or a sentence that says why it is not run there.
    times, more, because : how many whole calls ours takes, how many final stages beside, and what for.
    """

    kind: str
    bare: Callable[[Design, Any], Calls]
    call: str
    target: str = "ATE"
    grouped: bool = False
    knobs: dict[str, Any] = field(default_factory=dict)
    large: dict[str, Any] | str = field(default_factory=dict)
    times: int = 1
    more: int = 0
    because: str = ""


def designed(kind: str, rows: int, target: str = "ATE", *, grouped: bool = False) -> Design:
    """A design on one of truth.py's panels of eight years, or on one made from it.

    kind : "dose", "adoption", "instrument", "mediation", "front door"; "counts": a dose with outcomes never below 0; "exposure": the instrument is
        lasting and acts through the years; "one row": an adoption, and at the large size 100,000 authorities in two years, so that as many rows
        reach a library that takes one row an authority; "block": all adopt in 2015; "single": one does; "doses": all do, each its own dose.
    """
    if kind == "front door":
        return _front_door(rows)
    base, pairs = FROM.get(kind, kind), kind == "one row" and rows > USUAL
    panel, _ = truth.panel(truth.World(authorities=rows if pairs else rows // truth.YEARS), base, 1)
    frame, year = panel.frame.copy(), panel.frame.index.get_level_values("year").to_numpy()
    number, rng = len(frame) // truth.YEARS, np.random.default_rng(2)
    question = replace(truth.asked(base, target), modifiers=("poverty",) if grouped else ())
    if pairs:
        frame = frame[(year == year.min()) | (year == year.max())]
    elif kind == "counts":
        frame["plans"] = frame["plans"].clip(lower=0.0)
    elif kind == "exposure":
        frame["z"] = np.repeat(rng.uniform(size=number), truth.YEARS)
        frame["cut"] += 0.1 * frame["z"] * (year - year.min())
    elif kind in ("block", "single", "doses"):
        ever = frame["cut"].to_numpy().reshape(number, truth.YEARS).max(axis=1)
        if kind == "single":
            ever = np.where(np.arange(number) == ever.argmax(), ever, 0.0)
        frame["cut"] = np.repeat(ever * (rng.uniform(0.2, 0.8, size=number) if kind == "doses" else 1.0), truth.YEARS) * (year >= 2015)
        question = replace(question, treated=0.5) if kind == "doses" else question
    graph, strategy = truth.GRAPHS.get(base, truth.GRAPHS["panel"]), "iv" if base == "instrument" else "backdoor"
    return design(replace(panel, frame=frame), question, identify(question, graph, measured=panel.names, adjust_for=FORCED.get(kind), strategy=strategy))


def _front_door(rows: int) -> Design:
    """Rows of one year with one variable between treatment and outcome, and an unseen cause of both."""
    hidden, own, middle, last = np.random.default_rng(1).normal(size=(4, rows))
    cut = hidden + own
    visits = 2 * cut + middle
    index = pd.MultiIndex.from_product([[f"A{i:06d}" for i in range(rows)], [2018]], names=["authority", "year"])
    frame = pd.DataFrame({"cut": cut, "visits": visits, "plans": 1.5 * visits + 3 * hidden + last}, index=index)
    why = "made so"
    arrows = {"hidden": {"cut": why, "plans": why}, "cut": {"visits": why}, "visits": {"plans": why}}
    graph = Graph(name="front door", nodes={"hidden": {"measured": False}, "cut": {}, "visits": {}, "plans": {}}, arrows=arrows)
    variables = tuple(Variable(name=str(name), label=str(name), unit="units", source=why) for name in frame)
    places = pd.DataFrame({"name": index.unique("authority")}, index=index.unique("authority"))
    panel = Panel(frame=frame, variables=variables, places=places, title="front door")
    return design(panel, truth.ASKED, identify(truth.ASKED, graph, measured=panel.names, strategy="frontdoor"))


LEARNERS = "same learners, folds and repetitions"
CLUSTERED = "clustered by authority"
SETS = "structural equation, reduced form and first stage, for the Anderson–Rubin set"
DRAWS: dict[str, Any] = {"knobs": WINDOWS | {"draws": 50}, "times": 51, "because": "50 bootstrap draws of whole authorities"}
FINALS: dict[str, Any] = {"more": 14, "because": "3 cross-fits as in the bare call; the final stage out of fold, 5 times in each"}
PANEL_OLS = bare.linearmodels("PanelOLS", lambda d: [d.treatment, d.controls], entity_effects=True, time_effects=True)
DIFFERENCES = bare.linearmodels("FirstDifferenceOLS", lambda d: [d.treatment, d.controls, d.year_dummies()])
CASES = {
    "difference": Case(kind="dose", bare=bare.pooled, call=f"statsmodels OLS, {CLUSTERED}"),
    "dowhy_linear": Case(kind="dose", bare=bare.dowhy("linear_regression", bare.pooled_columns), call="DoWhy LinearRegressionEstimator, fit and effect"),
    "lagged_outcome": Case(
        kind="dose", bare=bare.pooled, call=f"statsmodels OLS, {CLUSTERED}", times=2, because="fixed effects on the same rows, the other end of the bracket"
    ),
    "fixed_effects": Case(kind="dose", bare=PANEL_OLS, call=f"linearmodels PanelOLS, two-way, {CLUSTERED}"),
    "first_difference": Case(kind="dose", bare=DIFFERENCES, call=f"linearmodels FirstDifferenceOLS, {CLUSTERED}"),
    "within_between": Case(kind="dose", bare=bare.linearmodels("RandomEffects", bare.mundlak), call=f"linearmodels RandomEffects, {CLUSTERED}"),
    "mean_group": Case(
        kind="dose",
        bare=bare.own_slopes,
        call="statsmodels OLS on dummies and every place's own treatment",
        large="not run: the library's dummies would fill 100 GB",
    ),
    "event_study": Case(kind="adoption", bare=bare.event_study, call=f"linearmodels PanelOLS on dummies of years since adoption, {CLUSTERED}"),
    "poisson_fixed_effects": Case(
        kind="counts", bare=bare.poisson, call="statsmodels GLM on dummies, clustered; at the large size, where they would fill 10 GB, ConditionalPoisson"
    ),
    "mediation": Case(kind="mediation", bare=bare.mediation, call=f"statsmodels OLS four times, {CLUSTERED}, on demeaned columns"),
    "front_door": Case(kind="front door", bare=bare.front_door, call="DoWhy LinearRegressionEstimator twice"),
    "two_stage_least_squares": Case(
        kind="instrument", bare=bare.two_stages, call=f"linearmodels IV2SLS, {CLUSTERED}, on demeaned columns", times=3, because=SETS
    ),
    "shift_share": Case(
        kind="exposure",
        bare=bare.two_stages,
        call=f"linearmodels IV2SLS, {CLUSTERED}, on demeaned columns",
        times=6,
        because=f"{SETS}; balance; pre-trend; first stage without controls by year",
    ),
    "linear_dml": Case(kind="dose", bare=bare.linear_dml, call=f"EconML LinearDML, {LEARNERS}"),
    "sparse_linear_dml": Case(
        kind="dose", grouped=True, bare=bare.varying("SparseLinearDML", bare.sparse), call=f"EconML SparseLinearDML and effects, {LEARNERS}", **FINALS
    ),
    "kernel_dml": Case(kind="dose", grouped=True, bare=bare.varying("KernelDML", bare.kernel), call=f"EconML KernelDML and effects, {LEARNERS}", **FINALS),
    "nonparam_dml": Case(
        kind="dose", grouped=True, bare=bare.varying("NonParamDML", bare.boosted), call=f"EconML NonParamDML and effects, {LEARNERS}", **FINALS
    ),
    "causal_forest": Case(
        kind="dose",
        grouped=True,
        bare=bare.varying("CausalForestDML", bare.forest),
        large={"trees": 20},
        call=f"EconML CausalForestDML and effects, {LEARNERS}; 20 trees at the large size",
    ),
    "ortho_iv": Case(
        kind="instrument", bare=bare.learnt_instruments("dml.OrthoIV", "model_y_xw", "model_t_xw", "model_z_xw"), call=f"EconML OrthoIV, {LEARNERS}"
    ),
    "dml_iv": Case(kind="instrument", bare=bare.learnt_instruments("dml.DMLIV", "model_y_xw", "model_t_xw", "model_t_xwz"), call=f"EconML DMLIV, {LEARNERS}"),
    "dr_iv": Case(
        kind="instrument",
        bare=bare.learnt_instruments("dr.LinearDRIV", "model_y_xw", "model_t_xw", "model_z_xw", "model_tz_xw", cov_clip=0.1),
        call=f"EconML LinearDRIV, {LEARNERS}",
    ),
    "dynamic_dml": Case(kind="dose", bare=bare.dynamic_dml, call=f"EconML DynamicDML, {LEARNERS}; every whole history a group"),
    "linear_dr": Case(kind="one row", knobs=WINDOWS, bare=bare.doubly_robust("LinearDRLearner", lambda _: {}), call=f"EconML LinearDRLearner, {LEARNERS}"),
    "forest_dr": Case(
        kind="one row",
        knobs=WINDOWS,
        bare=bare.doubly_robust("ForestDRLearner", bare.forest),
        large={"trees": 20, "nuisance": "ridge"},
        call=f"EconML ForestDRLearner and effects, {LEARNERS}; at the large size 20 trees and straight nuisances",
    ),
    "s_learner": Case(kind="one row", bare=bare.meta_learner("SLearner", "overall_model"), call="EconML SLearner and effects, straight lines", **DRAWS),
    "t_learner": Case(kind="one row", bare=bare.meta_learner("TLearner", "models"), call="EconML TLearner and effects, straight lines", **DRAWS),
    "x_learner": Case(
        kind="one row",
        bare=bare.meta_learner("XLearner", "models", "cate_models", propensity=True),
        call="EconML XLearner and effects, straight lines",
        **DRAWS,
    ),
    "domain_adaptation": Case(
        kind="one row",
        bare=bare.meta_learner("DomainAdaptationLearner", "models", "final_models", propensity=True),
        call="EconML DomainAdaptationLearner and effects, straight lines",
        **DRAWS,
    ),
    "dowhy_glm": Case(
        kind="one row", knobs=WINDOWS, bare=bare.dowhy("generalized_linear_model", bare.one_row, bare.gaussian), call="DoWhy GeneralizedLinearModelEstimator"
    ),
    "propensity_weighting": Case(
        kind="one row", knobs=WINDOWS, bare=bare.dowhy("propensity_score_weighting", bare.one_row), call="DoWhy PropensityScoreWeightingEstimator"
    ),
    "propensity_stratification": Case(
        kind="one row",
        bare=bare.dowhy("propensity_score_stratification", bare.one_row, lambda: {"num_strata": 5, "clipping_threshold": 0}),
        call="DoWhy PropensityScoreStratificationEstimator",
        **DRAWS,
    ),
    "propensity_matching": Case(
        kind="one row", knobs=WINDOWS, bare=bare.dowhy("propensity_score_matching", bare.one_row), call="DoWhy PropensityScoreMatchingEstimator"
    ),
    "distance_matching": Case(
        kind="one row",
        knobs=WINDOWS,
        bare=bare.dowhy("distance_matching", bare.one_row, lambda: {"distance_metric": "minkowski", "p": 2}),
        call="DoWhy DistanceMatchingEstimator",
    ),
    "callaway_santanna": Case(
        kind="adoption", target="ATT", bare=bare.diff_diff("CallawaySantAnna", "event_study", "group"), call="diff-diff CallawaySantAnna, and its averages"
    ),
    "sun_abraham": Case(
        kind="adoption",
        target="ATT",
        bare=bare.diff_diff("SunAbraham"),
        call="diff-diff SunAbraham",
        times=3,
        because="the regression written for years since, for cohorts and for all, so that CR2 holds for each average",
    ),
    "imputation": Case(
        kind="adoption", target="ATT", bare=bare.diff_diff("ImputationDiD", "event_study", "group"), call="diff-diff ImputationDiD, and its averages"
    ),
    "continuous_did": Case(kind="doses", target="ATT", bare=bare.continuous_did, call="diff-diff ContinuousDiD on two years"),
    "synthetic_did": Case(
        kind="block",
        target="ATT",
        bare=bare.synthetic("SyntheticDiD", variance_method="jackknife", n_bootstrap=2),
        large={"weights": "published"},
        call="diff-diff SyntheticDiD, jackknife; at the large size ours with weights=published",
    ),
    "synthetic_control": Case(
        kind="single",
        target="ATT",
        bare=bare.synthetic("SyntheticControl", v_method="custom", n_starts=1, standardize="none"),
        times=150,
        call="diff-diff SyntheticControl, all years alike (of many perfect matches each takes its own)",
        because="a placebo for each of 149 donors",
        large="12,499 placebos, each with as many donors: nobody's question",
    ),
}
OWN = "ours takes authority and year effects out within the call, where the bare call is given columns without them; some tens of MB"
PER_DRAW = "each draw lays out 100,000 authorities anew; England has some 150"
LAID = "rows of one authority laid out from the panel, overlap, errors by authority"
WHY: dict[tuple[str, int], str] = {
    **{(name, USUAL): "a millisecond or two of laying out and of what is reported beside" for name in ("difference", "front_door", "distance_matching")},
    ("nonparam_dml", USUAL): "EconML is set up anew for each of 15 final stages",
    ("sun_abraham", USUAL): "whether one place alone carries a coefficient is asked place by place, for each of many",
    ("mediation", USUAL): "two milliseconds: the joint band over the paths (10,000 draws), and authority and year effects taken out within the call",
    ("kernel_dml", USUAL): "EconML is set up anew for each of 15 final stages",
    ("causal_forest", USUAL): "the effect of each row is predicted by trees that did not see it",
    ("dowhy_glm", USUAL): LAID,
    ("dowhy_glm", LARGE): LAID,
    **{(name, LARGE): OWN for name in ("mediation", "callaway_santanna", "synthetic_did")},
    **{(name, LARGE): PER_DRAW for name in ("s_learner", "t_learner", "x_learner", "domain_adaptation")},
}
