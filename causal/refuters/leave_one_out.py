"""Does the answer hang on one authority, or on one region?

Each authority is left out in turn, then each region (Belsley, Kuh & Welsch 1980, Regression Diagnostics; Bollen & Jackman 1985, Regression
diagnostics: an expository treatment of outliers and influential cases, who call a case influential that moves a coefficient by one
standard error). An authority that moves the effect by more than `tolerance` standard errors carries it. A region is a large part of the data,
and moves the effect by chance: with a share m of the treatment variation by about √(m / (1 − m)) standard errors; it
must move it by more than `tolerance` standard errors and by more than chance allows for as many regions as there are (Bonferroni).

An effect whose interval excludes 0 cannot change its sign without moving by more than one standard error, so that is covered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from causal.arrays import Floats, Ints
from causal.design import Design
from causal.estimate import Part
from causal.inference.clustered import interval
from causal.knobs import between, whole_number
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, drawn_clusters, kept_words, lost_words, not_run, reporting, unsure, whole_units
from causal.trial import Setting, Trial
from causal.verdict.decide import row_of
from causal.words import capital, count, listed

ALL = 1_000  # of more authorities only the most influential are left out, even by matrix steps
MOST = 100
SHOWN = 10
NAMED = 3  # places that are named where the answer hangs on many
ROWS: dict[str | None, str] = {
    None: "no interval",
    "important_rise": "a rise that matters",
    "rise": "some rise",
    "inside": "little or no difference",
    "no_important_rise": "no rise that matters",
    "no_important_fall": "no fall that matters",
    "both": "cannot tell",
    "fall": "some fall",
    "important_fall": "a fall that matters",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveOneOut:
    """Leave out each authority and each region in turn.

    Parameters
    ----------
    refits : how many authorities, the most influential first, for an estimator that must be fitted again (regions come on top).
    relearnt : where residuals of cross-fits are at hand all are left out of these, and the estimator is fitted again without the so many that matter most.
    regions : whether regions are left out too.
    tolerance : largest shift, in standard errors, that passes.
    """

    family: ClassVar[Family] = "stability"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "each place left out"
    catches: ClassVar[str] = "one_odd_place"

    refits: int = 20
    relearnt: int = 3
    regions: bool = True
    tolerance: float = 1.0

    def __post_init__(self) -> None:
        whole_number("leave_one_out.refits", self.refits, 1)
        whole_number("leave_one_out.relearnt", self.relearnt, 1)
        between("leave_one_out.tolerance", self.tolerance, 0, float("inf"))

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "leave_one_out"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        _, number = whole_units(setting.design)
        return f"{count(number, 'authority', 'authorities')} are too few to leave one out" if number < 3 else None

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute that the answer is about many places.

        Parameters
        ----------
        trial : any with a standard error.
        rng : not used.
        """
        from scipy import stats

        estimate, made, question = trial.estimate, trial.design, trial.question
        report = reporting(
            self,
            asks="Does the answer hang on one authority or one region?",
            expected=f"No single authority moves the effect by more than {self.tolerance:g} standard errors, and no region by more than that and chance.",
            detects="An effect carried by one authority (a recording error, a merger, an inspection) or by one region that differs from the rest.",
            cannot_detect="Confounding, reverse causation and faults that all authorities share; two odd authorities that hide each other.",
        )
        if (why := self.unmet(trial)) is None and estimate.std_error is None and (alone := _needed(trial)):
            text = f"Without {_hangs_on(alone)} there is no answer at all. The answer hangs on {_hangs_on(alone)}."
            return report(found=text, p_value=None, survived=False, lost=len(alone))
        if (why := unsure(trial) or why) is not None:
            return not_run(report, why)
        assert estimate.std_error is not None
        unit, number = whole_units(made)
        weight, variation = _influence(trial, unit, number)
        order = np.argsort(-weight, kind="stable")
        tried = np.arange(number) if trial.by_matrix and number <= ALL else order[: MOST if trial.by_matrix else min(self.refits, number)]
        region = _regions(made, unit, number) if self.regions else {}
        kept = np.ones((len(tried) + len(region), number))
        kept[np.arange(len(tried)), tried] = 0.0
        for i, members in enumerate(region.values()):
            kept[len(tried) + i, members] = 0.0
        broken: list[str] = []
        drawn = drawn_clusters(made, kept.T)
        effects, errors = trial.redraw(self.name, clusters=drawn, lost=broken)
        if trial.score is not None:
            far = np.abs(effects[: len(tried)] - estimate.effect)
            again = np.argsort(-np.where(np.isfinite(far), far, np.inf), kind="stable")[: self.relearnt]
            moves = trial.relearnt(self.name, drawn[:, again], lost=broken)
            # where nothing can be learnt anew the answer on the residuals stands
            effects[again] += np.where(np.isfinite(moves), moves, 0.0)
        shifts = (effects - estimate.effect) / estimate.std_error
        one, many = np.abs(shifts[: len(tried)]), np.abs(shifts[len(tried) :])
        lost = int((~np.isfinite(shifts)).sum())
        if not np.isfinite(one).any():
            return not_run(report, f"{estimate.estimator} gave no answer with an authority left out", lost=lost)
        place = int(np.nanargmax(one))
        names = [_name(trial, unit, int(u)) for u in tried]
        # without the only treated place, or the only region that has some, there is no answer: it hangs on them most of all
        gone = [[*names, *region][i] for i in np.flatnonzero(~np.isfinite(shifts))]
        failed = [*gone, *([names[place]] if one[place] > self.tolerance else [])]
        numbers: dict[str, float | None] = {
            "authorities left out in turn": float(len(tried)),
            "largest shift by one authority, in standard errors": float(one[place]),
            "effect without it": float(effects[place]),
        }
        words = f"{names[place]} matters most: without it the effect is {amount(trial, float(effects[place]))} instead of {amount(trial, estimate.effect)}"
        words += f" ({one[place]:.2f} standard errors)"
        if len(region) and np.isfinite(many).any():
            at = int(np.nanargmax(many))
            share = np.array([variation[members].sum() for members in region.values()]) / variation.sum()
            law = stats.norm() if estimate.df is None else stats.t(estimate.df)
            p_text = float(law.isf((1 - question.level) / 2 / len(region))) * np.sqrt(share / np.maximum(1 - share, 1e-9))
            over = np.nan_to_num(many) > np.maximum(self.tolerance, p_text)
            region_names = list(region)
            failed += [region_names[i] for i in np.flatnonzero(over)]
            words += f"; of regions {region_names[at]}: without it {amount(trial, float(effects[len(tried) + at]))} ({many[at]:.2f} standard errors)"
            numbers |= {
                "regions left out in turn": float(len(region)),
                "largest shift by one region, in standard errors": float(many[at]),
                "effect without that region": float(effects[len(tried) + at]),
            }
        elif self.regions:
            words += "; regions are not known"
        if gone:
            words += f"; without {_hangs_on(gone)} there is no answer at all"
        if trial.score is not None:
            words += f".{kept_words(trial)} Without the {count(len(again), 'one', 'of them')} that matter most all was learnt anew"
        words += lost_words(broken).rstrip(".")
        survived = not failed
        finding = _finding(effects[place], errors[place], trial)
        if finding is not None:
            words += f". {finding}"
        labels = [*names, *region]
        shown = [int(i) for i in np.argsort(-np.nan_to_num(one), kind="stable")[:SHOWN]] + list(range(len(tried), len(labels)))
        return report(
            found=f"{capital(words)}. " + ("No one place carries the answer." if survived else f"The answer hangs on {_hangs_on(failed)}."),
            p_value=None,
            survived=survived,
            lost=lost,
            numbers=numbers | {"shift allowed, in standard errors": self.tolerance},
            parts=tuple(
                _part(trial, "authority" if i < len(tried) else "region", labels[i], float(effects[i]), float(errors[i]))
                for i in shown
                if np.isfinite(effects[i])
            ),
        )


def _needed(trial: Trial) -> list[str]:
    """Places, the most influential, without which there is no answer, of an estimate whose own error is not known."""
    unit, number = whole_units(trial.design)
    order = np.argsort(-_influence(trial, unit, number)[0], kind="stable")[: min(NAMED, number)]
    kept = np.ones((number, len(order)))
    kept[order, np.arange(len(order))] = 0.0
    effects, _ = trial.redraw("leave_one_out", clusters=drawn_clusters(trial.design, kept), errors=False)
    return [_name(trial, unit, int(u)) for u, effect in zip(order, effects, strict=True) if not np.isfinite(effect)]


def _hangs_on(names: Sequence[str]) -> str:
    """Places by name, the first few of many."""
    return listed([*names[:NAMED], *([f"{len(names) - NAMED} more"] if len(names) > NAMED else [])])


def _influence(trial: Trial, unit: Ints, number: int) -> tuple[Floats, Floats]:
    """How much each unit bears on the estimate, and its residual treatment variation; shape (units,)."""
    design = trial.design
    fixed = trial.fixed if trial.fixed.rows == design.rows else design
    residual = fixed.partial_out(fixed.treatment[:, None])[:, 0]
    variation = np.asarray(np.bincount(unit, weights=residual**2, minlength=number), dtype=float)
    scores = trial.estimate.influence
    if scores is None or len(scores) != len(design.clusters):
        return variation, variation
    of = np.zeros(len(design.clusters), dtype=np.int64)
    of[design.cluster] = unit
    return np.asarray(np.abs(np.bincount(of, weights=scores, minlength=number)), dtype=float), variation


def _regions(design: Design, unit: Ints, number: int) -> dict[str, Ints]:
    """Units of each region, where at least two regions are known; a unit that spans regions counts for its first."""
    first = np.unique(unit, return_index=True)[1]
    of = design.region[first]
    names = [str(name) for name in np.unique(of) if name]
    return {name: np.flatnonzero(of == name) for name in names} if len(names) > 1 else {}


def _name(trial: Trial, unit: Ints, which: int) -> str:
    design = trial.design
    row = int(np.flatnonzero(unit == which)[0])
    if unit is design.cluster:
        return design.clusters[int(design.cluster[row])]
    code = design.authorities[int(design.authority[row])]
    places = trial.panel.places
    name = str(places.loc[code, "name"]) if code in places.index else ""
    return name or code


def _finding(effect: float, error: float, trial: Trial) -> str | None:
    """Whether the verdict's row would be another one."""
    estimate, question = trial.estimate, trial.question
    if not (np.isfinite(error) and error > 0):
        return None
    lower, upper, _ = interval(float(effect), float(error), question.level, estimate.df)
    now, then = (row_of(*ends, question.smallest_important) for ends in ((estimate.lower, estimate.upper), (lower, upper)))
    return None if now == then else f"Without it the range would say “{ROWS[then]}” instead of “{ROWS[now]}”"


def _part(trial: Trial, of: str, name: str, effect: float, error: float) -> Part:
    known = np.isfinite(error) and error > 0
    lower, upper = interval(effect, error, trial.question.level, trial.estimate.df)[:2] if known else (None, None)
    spread = error if known else None
    return Part(kind="group", of=f"{of} left out", name=f"without {name}", group=name, effect=effect, std_error=spread, lower=lower, upper=upper)
