"""Which estimators suit a question and the shape of its treatment: five at most, with a reason and the target each needs; and what the chosen one cannot do.

Three in four of the shelf can serve most questions, so that "able" chooses nothing. What suits is told by the shape: whether lots decided; whether places
take a treatment up and keep it, in one year or in several; whether they go on and off; whether it is a dose; whether there is one row for each place;
whether an instrument or a front door must do; and whether the outcome is of yes and no, or a share. Where adoption is staggered, two-way fixed effects
compare places that begin with such as have begun, and effects that grow turn against them (Goodman-Bacon 2021, Difference-in-differences with variation in
treatment timing; Callaway & Sant'Anna 2021, Difference-in-differences with multiple time periods). Of an outcome nothing but its range is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from causal.cohorts import Cohorts
    from causal.design import Design

# what needs a design is imported where it is used: `causal list` asks for names and reasons alone, and is to feel instant
Target = Literal["ATE", "ATT"]
Shape = Literal[
    "cutoff",
    "series",
    "instrument",
    "front_door",
    "one_treated",
    "few_treated",
    "staggered",
    "one_date",
    "on_off",
    "dose",
    "two_groups",
    "dose_between",
    "lots",
]
MOST = 5
OF_ODDS: tuple[Shape, ...] = ("dose", "on_off", "dose_between", "two_groups", "one_date")  # where an outcome of yes and no has its ratio of odds too
FEW = 3  # treated places for which no error that counts on many holds
LEARNT = 200  # places, one row each, from which models of outcome and treatment are learnt rather than assumed

SHAPES: dict[Shape, str] = {
    "staggered": "taken up in different years and kept",
    "one_date": "taken up in one year and kept",
    "one_treated": "taken up and kept by one place",
    "few_treated": f"taken up and kept by {FEW} places or fewer",
    "on_off": "on and off",
    "dose": "a dose that goes up and down",
    "two_groups": "one row for each place, two levels",
    "dose_between": "one row for each place, a dose",
    "instrument": "moved by an instrument",
    "front_door": "through a front door",
    "cutoff": "given to those beyond a cutoff",
    "series": "a series against its own past",
    "lots": "decided by lot",
}
# shape → estimator, target, reason; the first that can serve is proposed first
SUITS: dict[Shape, tuple[tuple[str, Target, str], ...]] = {
    "staggered": (
        ("callaway_santanna", "ATT", "waves"),
        ("imputation", "ATT", "untreated"),
        ("sun_abraham", "ATT", "one_regression"),
        ("synthetic_did", "ATT", "weighted_alike"),
        ("fixed_effects", "ATE", "known"),
    ),
    "one_date": (
        ("callaway_santanna", "ATT", "before_after"),
        ("fixed_effects", "ATE", "one_date"),
        ("imputation", "ATT", "untreated"),
        ("synthetic_did", "ATT", "weighted_alike"),
        ("linear_dml", "ATE", "curves"),
    ),
    "one_treated": (
        ("fixed_effects", "ATE", "placebos"),
        ("synthetic_control", "ATT", "rank"),
        ("synthetic_did", "ATT", "number_alone"),
    ),
    "few_treated": (
        ("fixed_effects", "ATE", "few_range"),
        ("imputation", "ATT", "few_untreated"),
        ("callaway_santanna", "ATT", "few_waves"),
        ("synthetic_did", "ATT", "few_alike"),
        ("synthetic_control", "ATT", "number_alone"),
    ),
    "on_off": (
        ("fixed_effects", "ATE", "itself"),
        ("reversible_did", "ATT", "switchers"),
        ("first_difference", "ATE", "changes"),
        ("linear_dml", "ATE", "curves"),
        ("distributed_lags", "ATE", "kept_up"),
    ),
    "dose": (
        ("fixed_effects", "ATE", "itself"),
        ("linear_dml", "ATE", "curves"),
        ("first_difference", "ATE", "changes"),
        ("mean_group", "ATE", "alike"),
        ("continuous_did", "ATT", "dose_against_none"),
    ),
    "two_groups": (
        ("linear_dr", "ATE", "either_model"),
        ("dowhy_linear", "ATE", "straight"),
        ("propensity_weighting", "ATE", "who_is_treated"),
        ("t_learner", "ATE", "two_models"),
    ),
    "dose_between": (
        ("dowhy_linear", "ATE", "straight"),
        ("linear_dml", "ATE", "curves"),
    ),
    "instrument": (
        ("two_stage_least_squares", "ATE", "instrument"),
        ("ortho_iv", "ATE", "instrument_curves"),
        ("late", "ATE", "compliers"),
        ("shift_share", "ATE", "exposure"),
    ),
    "front_door": (("front_door", "ATE", "front_door"),),
    "cutoff": (("regression_discontinuity", "ATE", "both_sides"),),
    "series": (("interrupted_series", "ATT", "own_past"),),
    "lots": (
        ("cluster_trial", "ATE", "lots"),
        ("dowhy_linear", "ATE", "straight"),
        ("linear_dr", "ATE", "either_model"),
    ),
}
OFTEN: tuple[tuple[Shape, int], ...] = (("dose", 0), ("staggered", 0), ("dose", 1), ("two_groups", 0), ("dose_between", 0), ("instrument", 0))
REASONS = {
    "waves": "places that begin in one year against those that have not begun, wave by wave",
    "before_after": "places that begin against those that do not, before and after",
    "untreated": "what treated places would have had, learnt from untreated years; the shortest range if that model holds",
    "one_regression": "the same waves in one regression, an effect for each year since",
    "weighted_alike": "untreated places weighed until they went as the treated did beforehand",
    "placebos": "no range of its own; beside it stands the one that placebos among the untreated leave",
    "rank": "a weighed mean of untreated places stands for the treated one; a rank among placebos, and no range",
    "number_alone": "untreated places weighed until they went as the treated did beforehand; no range of its own",
    "few_range": "a range whose length allows for so few treated",
    "few_untreated": "what treated places would have had, learnt from untreated years; a range, and a longer one",
    "few_waves": "wave by wave against those that never begin; a range, and the longest",
    "few_alike": "untreated places weighed until they went as the treated did beforehand; a range if the treated vary as the others do",
    "default": "the default, as what suits could not be told from the table",
    "known": "one number that readers know, to stand beside the others",
    "one_date": "with one date nobody is compared with places that have begun",
    "itself": "each place against itself, each year against the others' same year",
    "curves": "what else moves treatment and outcome may act in curves (EconML)",
    "changes": "changes from year to year: slow drift hurts less, a badly kept record more",
    "alike": "every place counts alike, however far its treatment moves",
    "dose_against_none": "what those with a dose gained over those with none, as a curve of the dose",
    "either_model": "right if either the outcome or who is treated is well learnt (EconML)",
    "straight": "places alike in what was measured, in straight lines (DoWhy)",
    "who_is_treated": "places weighed until treated and untreated look alike (DoWhy)",
    "two_models": "treated and untreated learnt apart, so that effects may differ",
    "instrument": "only what the instrument moves of the treatment is compared",
    "instrument_curves": "the same, what else moves them learnt in curves (EconML)",
    "compliers": "an offer of two values: those who take it up because of it, how many and who they are",
    "exposure": "national shocks that hit places by how exposed they are",
    "front_door": "what the treatment moves, and what that moves",
    "both_sides": "just beyond the cutoff against just short of it, whatever confounds elsewhere",
    "own_past": "the series against how it went before, with comparison series where there are any",
    "kept_up": "this and earlier years' treatments together: what keeping it up for three years does",
    "switchers": "places whose treatment begins or ends against those that keep as much, in that year; no effect counts negatively",
    "lots": "the offer as drawn is compared, with errors by cluster and the exact p-value of the lots",
    "odds": "of an outcome of yes and no, or a share: its ratio of odds beside the effect",
    "past_outcome": "the outcome moves a later treatment: last year's stands in the place of authority effects",
}
CANNOT = {
    "waves": "it compares places that begin with such as have begun: effects that grow or differ between waves bend it",
    "feedback": "the graph lets the outcome move a later treatment, which biases comparisons of places with themselves",
    "movers": "its average counts places by how far their treatment moves; a place where nothing moves counts nothing",
    "straight": "what is adjusted for acts in straight lines",
    "between": "it does not compare places with themselves: all that lasts about a place and was not measured stays in",
    "two_windows": "it compares two windows of years, and uses no year between them",
    "two_clusters": "with two clusters no range is known, whatever the estimator; it takes more places that do not move together",
    "one_place": "one place alone takes it up, and what happens there by chance is not learnt from it: no range, but a synthetic control's of twenty years",
    "no_interval": "no valid range is known for it, so that nothing can be claimed",
    "few_dates": "it has a range for one treated place alone, seen in twenty years or more; without one nothing can be claimed",
    "treated_only": "it speaks of places that take the treatment up, and of no others",
    "compliers": "it speaks of those whom the instrument moves, and of no others",
    "record": "error in the record of the treatment shrinks it more than comparisons of levels",
    "noisy_places": "places whose treatment hardly moves make it noisy",
    "association": "it holds nothing fixed: an association, and no effect",
    "additive": "its outcome model is additive unless interactions or trees are asked for",
    "counts_ratio": "its effect is a ratio, put at the mean rate",
    "local": "it speaks of those at the cutoff, and of no others",
    "same_time": "whatever else came at the same time is in it",
    "own_year": "it speaks of the year of a switch alone, and takes an end as a beginning turned round",
    "offer": "it speaks of the offer, whether or not it was taken up",
    "years_summed": "what the treatment does after more years than it sums is laid to these",
    "log_odds": "places, years, controls and treatment are taken to add up in the log odds",
    "levels": "it takes a dose as two levels, below and from the one asked for",
}


GRAVE = ("waves", "feedback", "between", "no_interval", "few_dates", "association", "levels")  # limits that can change an answer, and not only what it is of


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """An estimator that suits.

    Parameters
    ----------
    estimator : its name.
    target : that it needs.
    reason : code of why (`REASONS`; "template" for one that a template of `causal new` names).
    """

    estimator: str
    target: Target
    reason: str

    @property
    def words(self) -> str:
        """callaway_santanna (ATT): places that begin …"""
        return f"{self.estimator} ({self.target}): {REASONS[self.reason]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What suits a question, and what the chosen estimator cannot do.

    Parameters
    ----------
    shape : of the treatment.
    proposed : at most five, the first first.
    chosen : the study's own estimator.
    target : that the question asks for.
    cannot : codes of what the chosen one cannot do here (`CANNOT`); of a class of the user's own, what its `limits` say.
    """

    shape: Shape
    proposed: tuple[Proposed, ...]
    chosen: str
    target: str
    cannot: tuple[str, ...]

    @property
    def first(self) -> Proposed | None:
        """The one to take, where that is not the chosen one; None where it is."""
        return None if not self.proposed or self.chosen == self.proposed[0].estimator else self.proposed[0]


def often() -> list[tuple[str, str, str]]:
    """What suits most questions, before any is asked: estimator, the shape that it suits first, and why; each estimator once."""
    found: dict[str, tuple[str, str, str]] = {}
    for shape, at in OFTEN:
        name, _, reason = SUITS[shape][at]
        found.setdefault(name, (name, SHAPES[shape], REASONS[reason]))
    return list(found.values())


def proposal(design: Design, estimator: Any, *, blind: bool = False) -> Proposal:
    """What suits a design, told from its treatment and its graph.

    Parameters
    ----------
    design : of the question.
    estimator : the study's own.
    blind : whether the outcome's values are not to be looked at, so that what hangs on them is not proposed.
    """
    from causal.estimators import shelf
    from causal.needs import unmet_requirements

    shape, made = shape_of(design)
    proposed: list[Proposed] = []
    for name, target, reason in _asked(design, shape, blind):
        there = replace(design, question=replace(design.question, target=target))
        if not unmet_requirements(shelf()[name](), there):
            proposed.append(Proposed(estimator=name, target=target, reason=reason))
    own = tuple(code for code in getattr(estimator, "limits", ()) if code in CANNOT)  # what a class says of itself, on the shelf or from outside
    codes = (*ANYONE, *LIMITS.get(estimator.name, own)) if shelf().get(estimator.name) is type(estimator) else own
    cannot = tuple(code for code in codes if _holds(code, design, shape, made, estimator))
    return Proposal(shape=shape, proposed=tuple(proposed[:MOST]), chosen=estimator.name, target=design.question.target, cannot=cannot)


def _asked(design: Design, shape: Shape, blind: bool) -> list[tuple[str, Target, str]]:
    """The shape's own estimators, after what the graph puts first."""
    before: list[tuple[str, Target, str]] = []
    if shape in ("dose", "on_off") and design.identification.feedback:
        before.append(("lagged_outcome", "ATE", "past_outcome"))
    suits = [one for one in SUITS[shape] if one[0] != "shift_share" or exposed(design)]
    if shape == "two_groups" and design.rows < LEARNT:
        suits.sort(key=lambda one: one[2] != "straight")
    # an average effect in a straight line stands first: readers know it, and it bends no odds
    asked = [*before, *suits]
    if shape not in ("instrument", "front_door", "cutoff", "series") and design.identification.cutoffs:
        asked = [("regression_discontinuity", "ATE", "both_sides"), *asked]
    return [asked[0], ("logit_dose", "ATE", "odds"), *asked[1:]] if shape in OF_ODDS and not blind else asked


def exposed(design: Design) -> bool:
    """Whether an instrument is what makes shocks of the years differ between places: a share or size that stays within each of them, of more than two values.

    Parameters
    ----------
    design : with its instruments among its columns.
    """
    import numpy as np

    if design.rows == len(design.authorities):
        return False
    starts = np.flatnonzero(np.diff(design.authority, prepend=-1))
    for one in design.identification.instruments:
        values = design.columns.get(one.name)
        if values is None or not np.isfinite(values).all():
            continue
        stays = np.array_equal(np.maximum.reduceat(values, starts), np.minimum.reduceat(values, starts))
        if stays and values.min() >= 0 and len(np.unique(values)) > 2:
            return True
    return False


def shape_of(design: Design) -> tuple[Shape, Cohorts | None]:
    """How a design's treatment moves, and who takes it up first when, where it is taken up and kept.

    Parameters
    ----------
    design : of the question.
    """
    import numpy as np

    from causal.cohorts import cohorts
    from causal.errors import DesignError

    found, question = design.identification, design.question
    if found.strategy == "iv":
        return "instrument", None
    if found.strategy == "frontdoor":
        return "front_door", None
    if found.strategy == "discontinuity":
        return "cutoff", None
    if found.strategy == "series":
        return "series", None
    if found.lot:
        return "lots", None
    two = len(np.unique(design.treatment)) == 2
    if design.rows == len(design.authorities):
        return ("two_groups" if two else "dose_between"), None
    if not np.isin(design.treatment, (question.control, question.treated)).all():
        return ("on_off" if two else "dose"), None
    try:
        made = cohorts(design)
    except DesignError:
        return "on_off", None
    begins = ~made.never & ~made.always
    adopters = len(np.unique(design.cluster[begins[design.authority]]))
    if adopters <= FEW and (len(design.clusters) - adopters) > adopters:
        return ("one_treated" if adopters == 1 else "few_treated"), made
    return ("staggered" if len(made.years) > 1 else "one_date"), made


ANYONE = ("two_clusters", "one_place")  # limits of a design, whoever answers
WITHIN = ("waves", "feedback", "movers", "straight")
LIMITS: Mapping[str, tuple[str, ...]] = {  # of those whose class says none itself
    "callaway_santanna": ("treated_only", "feedback", "levels"),
    "causal_forest": ("waves", "feedback"),
    "continuous_did": ("treated_only", "feedback"),
    "difference": ("association",),
    "distance_matching": ("no_interval", "two_windows"),
    "dml_iv": ("compliers",),
    "domain_adaptation": ("two_windows", "no_interval"),
    "dowhy_glm": ("two_windows", "additive"),
    "dowhy_linear": ("between", "straight"),
    "dr_iv": ("compliers",),
    "dynamic_dml": (),
    "event_study": WITHIN,
    "first_difference": (*WITHIN, "record"),
    "fixed_effects": WITHIN,
    "forest_dr": ("two_windows",),
    "front_door": ("straight",),
    "imputation": ("treated_only", "feedback", "levels"),
    "kernel_dml": ("no_interval", "waves", "feedback"),
    "lagged_outcome": ("between", "straight"),
    "linear_dml": ("waves", "feedback", "movers"),
    "linear_dr": ("two_windows",),
    "logit_dose": ("waves", "feedback", "log_odds"),
    "mean_group": ("waves", "feedback", "straight", "noisy_places"),
    "mediation": WITHIN,
    "nonparam_dml": ("waves", "feedback"),
    "ortho_iv": ("compliers",),
    "poisson_fixed_effects": ("waves", "feedback", "counts_ratio"),
    "propensity_matching": ("no_interval", "two_windows"),
    "propensity_stratification": ("two_windows",),
    "propensity_weighting": ("two_windows",),
    "s_learner": ("two_windows", "additive"),
    "shift_share": ("compliers",),
    "sparse_linear_dml": ("waves", "feedback", "movers"),
    "sun_abraham": ("treated_only", "feedback", "levels"),
    "synthetic_control": ("few_dates", "treated_only", "levels"),
    "synthetic_did": ("treated_only", "levels"),
    "t_learner": ("two_windows",),
    "two_stage_least_squares": ("compliers", "straight"),
    "within_between": WITHIN,
    "x_learner": ("two_windows",),
}
# limits that hold only for some designs; the others always do
ONLY: Mapping[str, Callable[[Design, Shape, Any, Any], bool]] = {
    "two_clusters": lambda design, *_: len(design.clusters) == 2,
    "one_place": lambda design, shape, *_: shape == "one_treated",
    "few_dates": lambda design, shape, *_: shape != "one_treated" or len(design.years) * (1 - design.question.level) < 1 - 1e-9,
    "waves": lambda design, shape, made, _: made is not None and len(made.years) > 1,
    "feedback": lambda design, *_: "authority" in design.absorb and design.identification.feedback,
    "straight": lambda design, *_: bool(design.controls.shape[1]),
    "between": lambda design, shape, *_: shape not in ("two_groups", "dose_between"),
    "two_windows": lambda design, shape, *_: shape not in ("two_groups", "dose_between"),
    "levels": lambda design, shape, *_: shape == "dose",
    "additive": lambda design, shape, made, estimator: not getattr(estimator, "interactions", False),
}


def _holds(code: str, design: Design, shape: Shape, made: Cohorts | None, estimator: Any) -> bool:
    """Whether a limit holds here."""
    return code not in ONLY or ONLY[code](design, shape, made, estimator)
