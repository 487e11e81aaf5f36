"""Monotonicity: traces that some do the opposite of what the instrument asks, or that it moves the outcome in another way.

If nobody does the opposite, and the instrument acts through the treatment alone, then in every range of the outcome at least as many are treated with the
instrument as without it, and at least as many untreated without it as with it (Kitagawa 2015, A test for instrument validity; Huber & Mellace 2015, Testing
instrument validity for LATE identification based on inequality moment constraints). Each range of the outcome gives two such differences, which the same
scores as the answer's give with what is held fixed; the worst is tested by its t, at the level of all of them (Bonferroni). How far off the answer may be
is the mass on the wrong side, times how far its outcomes lie from the others', over the share of compliers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import special

from causal.inference.compliers import by_cluster, propensity, scores
from causal.knobs import whole_number
from causal.needs import instrument_of
from causal.refutation import Family, Refutation, Role
from causal.refuters import amount, not_run, p_text, reporting, unsure
from causal.trial import Setting, Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Monotonicity:
    """Test whether treated and untreated outcomes lie where an instrument that acts through the treatment alone would put them.

    Parameters
    ----------
    ranges : of the outcome, each with as many rows.
    """

    family: ClassVar[Family] = "bias"
    role: ClassVar[Role | None] = None
    label: ClassVar[str] = "traces of those who do the opposite"
    catches: ClassVar[str] = "instrument_acts_otherwise"

    ranges: int = 6

    def __post_init__(self) -> None:
        whole_number("monotonicity.ranges", self.ranges, 2)

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        return "monotonicity"

    def unmet(self, setting: Setting) -> str | None:
        """What it lacks here."""
        if setting.identification.strategy != "iv":
            return "the estimator uses no instrument"
        if instrument_of(setting.estimator, setting.design) is None:
            return "no instrument has two values"
        two = np.isin(setting.design.treatment, (setting.question.control, setting.question.treated)).all()
        return None if two else "the treatment has more than two values"

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute that the instrument acts through the treatment alone, and in one direction.

        Parameters
        ----------
        trial : of an answer by an instrument of two values, with a treatment of two.
        rng : not used.
        """
        report = reporting(
            self,
            asks="Are there outcomes that fewer treated have with the instrument, or more untreated?",
            expected="None beyond chance.",
            detects="People who do the opposite of what the instrument asks, and an instrument that moves the outcome in another way, if it shows in a range.",
            cannot_detect="Either where as many move into a range as out of it; an instrument that shares a cause with the outcome may show or not.",
        )
        if (why := unsure(trial) or self.unmet(trial)) is not None:
            return not_run(report, why)
        found = instrument_of(trial.estimator, trial.design)
        assert found is not None
        name, column = found
        known = np.isfinite(column)
        made, number = trial.design, len(trial.design.clusters)
        z, cluster = (column[known] == column[known].max()).astype(float), made.cluster[known]
        d = (made.treatment[known] == trial.question.treated).astype(float)
        y = made.outcome[known]
        if d[z == 1].mean() < d[z == 0].mean():
            z = 1 - z
        controls = made.controls[known]
        odds = np.clip(propensity(_scaled(controls), z, _scaled(controls)), 0.02, 0.98) if controls.shape[1] else np.full(len(z), z.mean())
        cuts = np.unique(np.quantile(y, np.linspace(0, 1, self.ranges + 1)[1:-1]))
        where = np.searchsorted(cuts, y, side="right")
        moved = float(_effect(d, z, odds).mean())
        worst: tuple[float, float, float, float, int, int] | None = None
        tests = 0
        for at in range(len(cuts) + 1):
            for treated in (1, 0):
                inside = ((where == at) & (d == treated)).astype(float)
                if inside.sum() < 5:
                    continue
                tests += 1
                values = _effect(inside, z, odds) * (1 if treated else -1)
                gap = float(values.mean())
                own = by_cluster(values - gap, cluster, number)
                error = float(np.sqrt(own @ own))
                t = gap / error if error > 0 else 0.0
                if worst is None or t < worst[0]:
                    same = d == treated
                    apart = float(y[(where == at) & same].mean() - y[same & (where != at)].mean()) if (same & (where != at)).any() else 0.0
                    worst = (t, gap, error, apart, at, treated)
        if worst is None or moved == 0:
            return not_run(report, "no range of the outcome has five of a kind")
        t, gap, error, apart, at, treated = worst
        p_value = float(min(1.0, tests * special.stdtr(number - 1, t)))
        level = 1 - trial.question.level
        survived = p_value >= level
        sign = 1.0 if treated else -1.0
        per = sign * apart / moved
        bias, bias_error = (gap * per, error * abs(per))
        side = "treated" if treated else "untreated"
        bounds = [-np.inf, *cuts, np.inf]
        words = f"{bounds[at]:.3g} to {bounds[at + 1]:.3g}".replace("-inf to ", "below ").replace(" to inf", " and above")
        return report(
            found=(
                f"Of {tests} differences the worst: with {name}, {abs(gap):.1%} {'fewer' if (gap < 0) == bool(treated) else 'more'} are {side} with outcomes "
                f"{words} (t = {t:.1f}, {p_text(p_value)} for all). "
                f"{'No trace beyond chance' if survived else 'Some do the opposite, or the instrument moves the outcome in another way'}."
                + ("" if survived else f" That range alone may put the answer off by {amount(trial, bias)}, and more of them may be hidden in others.")
            ),
            p_value=p_value,
            level=level,
            survived=survived,
            # the worst range is one of those who do the opposite; what all of them do to the answer is not known
            bias=float(bias) if survived else None,
            bias_error=float(bias_error) if survived else None,
            numbers={"t": t, "difference": gap, "standard error": error, "tests": float(tests), "moved by the instrument": moved},
        )


def _effect(column: np.ndarray, z: np.ndarray, odds: np.ndarray) -> np.ndarray:
    """Row scores of what the instrument does to a column, with its mean at each level."""
    weights = z / odds, (1 - z) / (1 - odds)
    means = [np.full(len(z), float((w * column).sum() / w.sum())) for w in weights]
    return scores(column, z, odds, means[0], means[1])


def _scaled(matrix: np.ndarray) -> np.ndarray:
    """Columns of mean 0 and standard deviation 1."""
    spread = matrix.std(axis=0)
    return np.asarray((matrix - matrix.mean(axis=0)) / np.where(spread > 0, spread, 1.0))
