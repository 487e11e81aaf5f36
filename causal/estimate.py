"""Estimates, and the protocol that every estimator keeps.

The clustered scores of an estimate are kept (`Estimate.influence`), which gives joint tests, joint bands and comparisons
between estimators without a second fit.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import numpy as np

from causal.arrays import Floats
from causal.crossfitted import CrossFitted
from causal.design import Design
from causal.errors import CausalError, NotWhatWasWanted, of_another, placed, refusal
from causal.estimand import Conditioning, DesignFacts, Estimand
from causal.inference.clustered import Fit
from causal.knobs import moved, renamed
from causal.lots import Arm
from causal.panel import LATER, Loss

# why an estimate has no interval: one cluster carries it, two clusters in all, too many lost draws, none known for the method
NoInterval = Literal["one_cluster", "two_clusters", "lost_draws", "weak_instruments", "method"]
Kind = Literal["group", "time", "path", "specification", "trend"]
KINDS: tuple[str, ...] = ("group", "time", "path", "specification", "trend")


def _number(value: object) -> bool:
    return np.isscalar(value) and np.asarray(value).dtype.kind in "iuf"


def _whole(value: object) -> bool:
    """Whether it is a whole number, Python's or NumPy's."""
    return np.isscalar(value) and np.asarray(value).dtype.kind in "iu"


def _check_numbers(where: str, made: object, names: Sequence[str]) -> None:
    """Each of the fields is a number that is one, or None.

    Raises
    ------
    NotWhatWasWanted : one is not.
    """
    for name in names:
        value = getattr(made, name)
        if value is not None and (not _number(value) or np.isnan(value)):
            raise refusal(NotWhatWasWanted, f"{where}: {name}", "a number, or None where none is known", repr(value), "write None where there is no answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The effect in one group, year, path or specification; outcome units, for the whole contrast.

    Parameters
    ----------
    kind : "group", "time" (a lead or lag), "path", "specification", or "trend" (a slope over years, or an effect of years that are no lead or lag).
    of : what it is a part of, as the code calls it: a variable's name, or a few words of the check's own.
    name : for print alone.
    effect, std_error, lower, upper : NaN and None where the part has no answer.
    joint_lower, joint_upper : hold for all parts of one kind at once; None where not known.
    rows, authorities : that it rests on.
    people : behind those rows, where rows are means over people; 0 where nobody counted.
    since : years since the treatment, of every part of kind "time": a lead of two years has −2, the treatment's own year 0, a lag of one year 1.
    open_ended : whether it stands for that year and all beyond it.
    group : the group, as its modifier calls it; None where there is none.
    chosen : whether it is the specification that was chosen beforehand.

    Examples
    --------
    >>> lead = Part(kind="time", of="cut", name="two years before", effect=0.1, std_error=0.5, lower=-0.9, upper=1.1, since=-2)
    >>> lead.joint_lower is None
    True
    """

    kind: Kind
    of: str
    name: str
    effect: float
    std_error: float | None
    lower: float | None
    upper: float | None
    joint_lower: float | None = None
    joint_upper: float | None = None
    rows: int = 0
    authorities: int = 0
    since: int | None = None
    open_ended: bool = False
    group: str | None = None
    chosen: bool = False
    people: int = field(default=0, metadata=LATER)

    def __post_init__(self) -> None:
        where = f"Part {self.name!r} of {self.of!r}"
        if self.kind not in KINDS:
            raise refusal(NotWhatWasWanted, f"{where}: kind", f"one of {', '.join(KINDS)}", repr(self.kind), "write one of them")
        for name in ("of", "name"):
            if not isinstance(getattr(self, name), str):
                raise refusal(NotWhatWasWanted, f"{where}: {name}", "words", repr(getattr(self, name)), "put it in quotes")
        if self.kind == "time" and not _whole(self.since):
            raise refusal(
                NotWhatWasWanted,
                where,
                "the years since the treatment, since a part of kind 'time' is a lead or lag",
                f"since={self.since!r}",
                "write since=-2 for the second lead, 0 for the treatment's own year",
            )
        if not _number(self.effect):
            raise refusal(NotWhatWasWanted, f"{where}: effect", "a number", repr(self.effect), "write NaN where there is no answer")
        _check_numbers(where, self, ("std_error", "lower", "upper", "joint_lower", "joint_upper"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One point of the course of an outcome.

    Parameters
    ----------
    at : where: a value of the running variable, or a year.
    seen : the outcome there (a mean, where several rows are put together); None where the point is of a line alone.
    fitted : what the model says of it; None where it says nothing.
    without : what it would have been without the treatment; None where that is not said.
    rows : that it stands for.
    treated : whether it is treated.
    """

    at: float
    seen: float | None
    fitted: float | None = None
    without: float | None = None
    rows: int = 1
    treated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The outcome along what it is cut by: a running variable with its two lines, or a series with its counterfactual.

    Parameters
    ----------
    kind : "cutoff" or "series".
    axis : what it runs along, in words.
    at : where the treatment comes.
    points : in order.
    """

    kind: Literal["cutoff", "series"]
    axis: str
    at: float
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """What an answer rests on, counted in clusters.

    Parameters
    ----------
    clusters, effective : their number, and the number that residual treatment is spread over (Carter, Schnepel & Steigerwald 2017).
    carried_by : the cluster without which there is no estimate; None where there is none.
    treated, untreated : clusters that ever have and that never have the question's treated level, for a treatment of two levels; None for a dose.
    placebo_lower, placebo_upper : what fits if the treated places' shocks are like the others' (`causal.inference.few_treated`), outcome units for
        the whole contrast; None where the interval stands or too few are untreated.
    placebos : untreated clusters that it rests on.
    """

    clusters: int
    effective: float
    carried_by: str | None = None
    treated: int | None = None
    untreated: int | None = None
    placebo_lower: float | None = None
    placebo_upper: float | None = None
    placebos: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedShocks:
    """What an answer was before places were found to share shocks, and how its interval was widened; outcome units, for the whole contrast.

    Parameters
    ----------
    through : ways in which places were found to share shocks, as readers know them ("region", "shared border").
    groups : whose year effects were absorbed, or which are the clusters.
    refitted : whether each group's own year effects were absorbed; False where too little of the treatment would be left, and the group is the cluster.
    left : share of the treatment's residual variance that a refit leaves; None where there was nothing to absorb.
    widest : whose interval it is now: "authority" or one of `groups`; None where there is none.
    effect, std_error, lower, upper : the answer before, with places taken as independent.
    group_lower, group_upper : the answer before, with the widest interval by group; None where there is none.
    why : why it was not refitted; "" where it was.
    """

    through: tuple[str, ...]
    groups: tuple[str, ...]
    refitted: bool
    left: float | None
    widest: str | None
    effect: float
    std_error: float | None
    lower: float | None
    upper: float | None
    group_lower: float | None = None
    group_upper: float | None = None
    why: str = ""


@renamed(held="conditioning")
@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One answer to the question, in outcome units, for the whole contrast (control to treated).

    Parameters
    ----------
    estimator : its name on the shelf.
    estimand : whose effect of what, compared and averaged how. Only estimates of one effect are compared as answers to one question.
    conditioning : what it conditions on.
    facts : what is known of who moved and of the years before.
    target : "ATE" or "ATT", as honoured.
    effect, std_error, lower, upper, level, p_value, df : interval from t with `df` degrees of freedom (None: normal);
        all but the effect are None where no valid interval is known.
    inference : how the error was got, in words.
    rows, authorities, clusters : what the estimate rests on.
    parts : effects by group or time.
    influence : shape (clusters,), one score for each of `clusters` in the design's order, such that their
        squares add to std_error²; None where there is none.
    crossfitted : residuals of each cross-fit where the score is orthogonal, so that checks need not learn again; None where there are none.
    association : True where what the graph asks for is not held fixed, so that no causal verb may be used.
    diagnostics : name → number, for the report (residual treatment share, effective clusters, …).
    no_interval : why there is none, as a code; None where there is one.
    support : what it rests on; None where nobody has asked (`causal.answer` does).
    lost : rows and authorities that the estimator left out beyond the design, step by step.
    effective : effective clusters of the regression that the error is of; None where it has none.
    shared : what it was before places were found to share shocks; None where they were not (`causal.shared`).
    concerns : sentences on what undermines this estimate; they reach the verdict.
    notes : sentences on how it was made.
    course : the outcome along the running variable or the years, for a figure; None for comparisons of another kind.
    flow : what became of those drawn, arm by arm, where lots decided (`causal.lots`); () for comparisons of another kind.

    Raises
    ------
    NotWhatWasWanted : a field that is not what it must be; the message names estimator, field and what was wanted.

    Examples
    --------
    >>> import numpy as np
    >>> from causal.configured import part
    >>> from causal.testing.worlds import World, designed
    >>> estimate = part("estimator", "fixed_effects").estimate(designed(World(effect=-4.0).load()), np.random.default_rng(1))
    >>> estimate.lower < -4.0 < estimate.upper
    True
    >>> bool(np.isclose((estimate.influence**2).sum(), estimate.std_error**2))
    True
    """

    estimator: str
    estimand: Estimand
    conditioning: Conditioning = field(metadata={"key": "held"})
    target: Literal["ATE", "ATT"]
    effect: float
    std_error: float | None
    lower: float | None
    upper: float | None
    level: float
    p_value: float | None
    df: float | None
    inference: str
    rows: int
    authorities: int
    clusters: int
    facts: DesignFacts = field(default_factory=DesignFacts)
    parts: tuple[Part, ...] = ()
    influence: Floats | None = field(default=None, repr=False)
    crossfitted: CrossFitted | None = field(default=None, repr=False, compare=False)
    association: bool = False
    no_interval: NoInterval | None = None
    support: Support | None = None
    shared: SharedShocks | None = None
    diagnostics: Mapping[str, float | None] = field(default_factory=dict)
    lost: tuple[Loss, ...] = ()
    effective: float | None = None
    concerns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    course: Course | None = None
    flow: tuple[Arm, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.estimator, str) or not self.estimator.strip():
            raise refusal(NotWhatWasWanted, "an Estimate", "the name of its estimator", f"estimator={self.estimator!r}", "write  estimator=self.name")
        where = f"the Estimate of {self.estimator}"
        for name, kind in (("estimand", Estimand), ("conditioning", Conditioning), ("facts", DesignFacts)):
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise refusal(NotWhatWasWanted, f"{where}: {name}", f"a causal.estimand.{kind.__name__}", repr(value), "make one")
        if self.target not in ("ATE", "ATT"):
            raise refusal(NotWhatWasWanted, f"{where}: target", "'ATE' or 'ATT'", repr(self.target), "write one of them")
        if not _number(self.effect) or not np.isfinite(self.effect):
            raise refusal(NotWhatWasWanted, f"{where}: effect", "a finite number", repr(self.effect), "raise NotEstimable where there is no answer")
        _check_numbers(where, self, ("std_error", "lower", "upper", "p_value", "df"))
        if (self.lower is None) != (self.upper is None):
            raise refusal(
                NotWhatWasWanted, f"{where}: lower and upper", "two numbers, or None for both", f"{self.lower!r} and {self.upper!r}", "give both or none"
            )
        for name in ("rows", "authorities", "clusters"):
            value = getattr(self, name)
            if not _whole(value) or value < 0:
                raise refusal(NotWhatWasWanted, f"{where}: {name}", "a whole number of at least 0", repr(value), "count it from the design")
        object.__setattr__(self, "parts", tuple(self.parts))
        for part in self.parts:
            if not isinstance(part, Part):
                raise refusal(NotWhatWasWanted, f"{where}: parts", "things of the class causal.estimate.Part", repr(part), "make a Part of each")
        scores = self.influence
        if scores is not None and (not isinstance(scores, np.ndarray) or scores.shape != (self.clusters,) or not np.isfinite(scores).all()):
            came = f"shape {scores.shape}" if isinstance(scores, np.ndarray) and scores.shape != (self.clusters,) else "numbers that are not finite"
            came = came if isinstance(scores, np.ndarray) else f"{type(scores).__name__}"
            raise refusal(
                NotWhatWasWanted,
                f"{where}: influence",
                f"an array of one finite score for each of its {self.clusters} clusters",
                came,
                "write 0 where a cluster is left out",
            )

    @property
    def held(self) -> Conditioning:
        """The name that `conditioning` had; it goes in two minor versions."""
        warnings.warn("Estimate.held is called Estimate.conditioning now", DeprecationWarning, stacklevel=2)
        return self.conditioning

    def same_effect(self, other: Estimate) -> bool:
        """Whether both are of one effect: one estimand, however averaged and modelled, and one target."""
        return self.target == other.target and self.estimand.same_effect(other.estimand)


Pairing = Literal["covariates", "propensity"]


class Estimator(Protocol):
    """What stands on the shelf: knobs in the constructor, data in the call, nothing kept.

    A class may also say `needs` (a tuple of `causal.needs.Need`), `answers` (codes of `causal.needs.ANSWERS`, from
    which a refusal and an offer follow), `targets` and `costs` (the same and how long it takes, in words), `strategy` where it rests on another
    identification than the back door ("iv", "frontdoor", "discontinuity", "series"), `pairing` where it matches authorities: by the distance of what,
    `quick` where a fit on 1,200 rows takes at most some hundredths of a second, so that a check may refit it hundreds of times, `library`: whose code fits
    it, `one_year` where it knows covariates by their value in one year alone, so that what can be spared of them is left out, and `checks`: names
    of the checks on the shelf that are of its kind of comparison alone, which run beside those that a study asks for.

    Examples
    --------
    >>> from causal.configured import part
    >>> dml = part("estimator", "linear_dml")
    >>> dml.name, dml.targets
    ('linear_dml', 'ATE, weighted by residual treatment variance (and question.weights)')
    """

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        ...

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Answer the design's question.

        Parameters
        ----------
        design : rows, what is absorbed and adjusted for, and the question; never changed.
        rng : the estimator's own stream; folds and draws move whole clusters.

        Returns
        -------
        Estimate : for the whole contrast of the question, in outcome units.

        Raises
        ------
        DesignError : the estimator cannot serve this design; the message names those that can.
        """
        ...


MADE_HERE = ("Estimate.__init__()", "Part.__init__()", "Estimand.__init__()", "Conditioning.__init__()", "DesignFacts.__init__()", "JointTest.__init__()")


def answer(estimator: Estimator, design: Design, rng: np.random.Generator) -> Estimate:
    """The estimator's answer, whoever wrote the class, if it is one.

    Parameters
    ----------
    estimator : as it stands on the shelf or comes from outside.
    design, rng : what it is given.

    Raises
    ------
    DesignError : the estimator cannot serve this design.
    EstimationError : what comes back is no `Estimate`, or one that lacks a field; the message names the class.
    """
    kind = f"{type(estimator).__module__}.{type(estimator).__qualname__}"
    try:
        made = estimator.estimate(design, rng)
    except NotWhatWasWanted as problem:
        raise placed(NotWhatWasWanted, kind, problem) from problem
    except Exception as problem:
        # a noun that is made without a field that it must have, or with one that it has not
        if isinstance(problem, TypeError) and str(problem).startswith(MADE_HERE):
            raise refusal(
                NotWhatWasWanted,
                kind,
                "an Estimate made of its own fields",
                str(problem).replace(".__init__()", ""),
                "look at the nouns' docstrings, which say what each field holds",
            ) from problem
        if (said := of_another(NotWhatWasWanted, kind, estimator, problem)) is None:
            raise
        raise said from problem
    if not isinstance(made, Estimate):
        raise refusal(NotWhatWasWanted, f"{kind}.estimate", "a causal.estimate.Estimate to be returned", f"{type(made).__name__}", "return one")
    if made.influence is not None and made.clusters != len(design.clusters):
        raise refusal(
            NotWhatWasWanted,
            f"{kind}: the Estimate of {made.estimator}",
            f"one score of influence for each of the design's {len(design.clusters)} clusters",
            f"{made.clusters}",
            "write 0 where a cluster is left out",
        )
    return made


@runtime_checkable
class Linear(Protocol):
    """An estimator whose effect is one least-squares coefficient, so that many draws are one matrix step."""

    def regression(self, design: Design) -> Design:
        """The design whose absorbed effects and controls the coefficient is conditional on."""
        ...


@runtime_checkable
class PartiallyLinear(Protocol):
    """An estimator that learns out of fold what the controls say of a treatment, and can do so of several at once."""

    def jointly(self, design: Design, columns: Floats, rng: np.random.Generator) -> Fit:
        """Slopes of several treatments in one partially linear model, by one cross-fit.

        Parameters
        ----------
        design : what is asked; its controls are learnt, its treatment stands aside.
        columns : shape (rows, k), raw; the treatments.
        rng : of folds and learners.

        Returns
        -------
        fit : k coefficients per unit, scores in the order of the design's clusters.
        """
        ...

    def straight(self) -> Estimator:
        """The estimator of one slope with the same nuisances, by one cross-fit."""
        ...


def lighter(estimator: Estimator) -> Estimator:
    """The same estimator with as few cross-fits and trees as its class calls enough (`fewest`, `fewest_trees`), for what a check fits again.

    Parameters
    ----------
    estimator : of the shelf or from outside; itself where it has no such knobs.
    """
    return _with_fewer(estimator, getattr(type(estimator), "fewest", None))


def once(estimator: Estimator) -> Estimator:
    """The same estimator with one cross-fit, for what is set beside one of its own in the same folds, and with as few trees as its class calls enough.

    Parameters
    ----------
    estimator : of the shelf or from outside; itself where it has no such knobs.
    """
    return _with_fewer(estimator, 1)


def _with_fewer(estimator: Estimator, repetitions: object) -> Estimator:
    most = {"repetitions": repetitions, "trees": getattr(type(estimator), "fewest_trees", None)}
    lower = {knob: few for knob, few in most.items() if isinstance(few, int) and isinstance(now := getattr(estimator, knob, None), int) and now > few}
    if not lower or not is_dataclass(estimator):
        return estimator
    try:
        made: Estimator = replace(estimator, **lower)
    except (CausalError, ValueError, TypeError):  # a class whose knobs take no fewer
        return estimator
    return made


if not TYPE_CHECKING:  # for classes from outside that still import them from here
    __getattr__ = moved(
        __name__,
        {
            "causal.regression": (
                "by_group",
                "clustering",
                "counted",
                "estimated",
                "feedback",
                "group_parts",
                "least_squares",
                "lost_beyond",
                "one_cluster",
                "parts_of",
                "residual_treatment",
                "warn_concentrated_leverage",
                "weighed",
                "without_interval",
            ),
        },
    )
