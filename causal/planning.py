"""A plan, before data are in: what a design of so many places can detect, how many it takes, and which places to choose for a pilot.

The numbers that it rests on, how outcomes spread and last, are declared, or taken from an earlier window of the same outcome. Nothing here looks at what a
treatment did.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np

from causal.arrays import Floats, Ints
from causal.errors import ConfigError, DataError, refusal, suggest
from causal.inference.detectable import POWER, minimum_detectable
from causal.inference.planned import arms_error, cutoff_error, power, shocks, two_way_error, wave
from causal.knobs import are_words, between, is_number, whole_number
from causal.panel import Panel

PlanKind = Literal["panel", "adoption", "discontinuity", "cluster_trial", "stepped_wedge"]
PLAN_KINDS: tuple[PlanKind, ...] = get_args(PlanKind)
FEWEST, MOST = 6, 100_000  # places of a plan
MOST_PEOPLE, MOST_SIZE = 1_000_000_000, 1e15  # in each place; outcome units: what is beyond either no study has, and squares of it are not told apart
TRIES = 4_000  # exchanges that are tried when places are chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A design with the numbers that its power rests on.

    Parameters
    ----------
    kind : "panel" (a share of places takes it up in one year), "adoption" (in waves, some never), "discontinuity" (a cutoff), "cluster_trial" (half drawn)
        or "stepped_wedge" (all come to it, in a drawn order).
    smallest_important : the effect that must be found, outcome units.
    because : why that size matters.
    sd : standard deviation of the outcome among people of one year, or of places where `people` is 1.
    icc : share of its variance that lies between places: what people of one place have in common in one year.
    lasting : of what they have in common the share that does not change from year to year (designs that compare places with themselves are free of it).
    autocorrelation : of the rest from one year to the next.
    places, people : how many, people in each place and year.
    years, before : of the panel, and those of them before the first place begins.
    share : of places treated (panel, adoption, cluster_trial), or above the cutoff.
    bandwidth : share of places near enough to the cutoff to be used.
    told : share of the outcome's variance between places that is collinear with what was known before (cluster_trial).
    attrition : share of people lost.
    level, power : of the test, and share of studies that must find the effect.
    source : where the numbers are from, in words.
    """

    kind: PlanKind
    smallest_important: float
    because: str
    sd: float = 1.0
    icc: float = 0.05
    lasting: float = 0.5
    autocorrelation: float = 0.4
    places: int = 60
    people: int = 50
    years: int = 8
    before: int = 4
    share: float = 0.5
    bandwidth: float = 0.5
    told: float = 0.0
    attrition: float = 0.0
    level: float = 0.95
    power: float = POWER
    source: str = "declared"

    def __post_init__(self) -> None:
        if self.kind not in PLAN_KINDS:
            raise refusal(ConfigError, "plan.kind", "a design that there is", repr(self.kind), suggest(str(self.kind), PLAN_KINDS))
        if not are_words(self.because):
            raise refusal(ConfigError, "plan.because", "why that size matters, in words", repr(self.because), "write  --because '…'")
        for key in ("smallest_important", "sd"):
            value = getattr(self, key)
            if not is_number(value) or not 1 / MOST_SIZE <= value <= MOST_SIZE:
                wanted = f"a number above 0, at most {MOST_SIZE:g}, in the outcome's unit"
                raise refusal(ConfigError, f"plan.{key}", wanted, repr(value), f"write  --{key.replace('_', '-')} NUMBER")
        whole_number("plan.places", self.places, FEWEST, MOST)
        whole_number("plan.people", self.people, 1, MOST_PEOPLE)
        whole_number("plan.years", self.years, 2, 60)
        whole_number("plan.before", self.before, 1, self.years - 1)
        for key, most in (("icc", 1.0), ("lasting", 1.0), ("told", 0.999), ("attrition", 0.999)):
            value = getattr(self, key)
            if not is_number(value) or not 0 <= value <= most:
                raise refusal(ConfigError, f"plan.{key}", f"a share from 0 to {most:g}", repr(value), f"write  --{key} 0.05")
        if not is_number(self.autocorrelation) or not -1 < self.autocorrelation < 1:
            raise refusal(ConfigError, "plan.autocorrelation", "a number between -1 and 1", repr(self.autocorrelation), "write  --autocorrelation 0.4")
        for key in ("share", "bandwidth", "power"):
            between(f"plan.{key}", getattr(self, key), 0, 1.0 if key != "bandwidth" else 1.0 + 1e-12)
        between("plan.level", self.level, 0.5, 1)
        if self.kind == "stepped_wedge" and self.years - self.before < 2:
            raise refusal(
                ConfigError, "plan.before", "two years and more in which places begin", str(self.years - self.before), "give more years, or fewer before"
            )

    @property
    def mean_noise(self) -> float:
        """Variance that a year's mean of the people of a place has from these people."""
        people = self.people * (1 - self.attrition)
        return self.sd**2 * (1 - self.icc) / people

    @property
    def treatment(self) -> Floats:
        """Who is treated when, where places are compared with themselves; shape (places, years)."""
        g, t = self.places, self.years
        starts = np.full(g, t)
        treated = max(1, min(g - 1, round(g * self.share)))
        if self.kind == "panel":
            starts[:treated] = self.before
        elif self.kind == "adoption":
            starts[:treated] = self.before + np.arange(treated) * (t - self.before) // treated
        else:
            starts = self.before + np.arange(g) * (t - self.before) // g
        return wave(g, t, np.asarray(starts, dtype=float))

    @property
    def error(self) -> tuple[float, float]:
        """Standard error of the answer, outcome units, and its degrees of freedom."""
        common = self.sd**2 * self.icc
        if self.kind == "cluster_trial":
            treated = max(1, min(self.places - 1, round(self.places * self.share)))
            variance = (common + self.mean_noise) * (1 - self.told)
            return arms_error(variance, treated, self.places - treated), self.places - 2.0
        if self.kind == "discontinuity":
            near = self.places * self.bandwidth
            return cutoff_error(common + self.mean_noise, near, self.share), max(near - 4.0, 1.0)
        covariance = shocks(self.years, common * (1 - self.lasting), self.autocorrelation, self.mean_noise)
        return two_way_error(self.treatment, covariance), self.places - 1.0

    @property
    def detectable(self) -> float:
        """The smallest effect that is found as often as asked, outcome units."""
        error, df = self.error
        return minimum_detectable(error, df, self.level, power=self.power)

    def finds(self, effect: float) -> float:
        """In which share of studies an effect is found.

        Parameters
        ----------
        effect : outcome units.
        """
        error, df = self.error
        return power(effect, error, df, self.level)

    @property
    def places_wanted(self) -> int | None:
        """The fewest places with which the smallest important effect is found as often as asked; None where no number up to the most is enough."""
        low, high = FEWEST, FEWEST
        while replace(self, places=high).finds(self.smallest_important) < self.power:
            if high >= 4_000:
                return None
            low, high = high, min(2 * high, 4_000)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if replace(self, places=middle).finds(self.smallest_important) >= self.power else (middle, high)
        return high

    def curve(self) -> Iterator[tuple[int, float, float]]:
        """Number of places, the detectable effect, and how often the smallest important one is found."""
        wanted = self.places_wanted or self.places
        ends = max(FEWEST, min(self.places, wanted) // 3), min(3 * max(self.places, wanted), MOST)
        for number in sorted({*np.unique(np.geomspace(*ends, 24).astype(int)).tolist(), self.places}):
            one = replace(self, places=int(number))
            yield int(number), one.detectable, one.finds(self.smallest_important)

    def record(self) -> dict[str, Any]:
        """All of it as plain values."""
        error, df = self.error
        return asdict(self) | {
            "std_error": error,
            "df": df,
            "detectable": self.detectable,
            "finds": self.finds(self.smallest_important),
            "places_wanted": self.places_wanted,
            "curve": [list(one) for one in self.curve()],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What an earlier window says of an outcome: how it spreads and lasts. Its numbers are of places, so that `people` is 1.

    Parameters
    ----------
    sd : standard deviation of places in one year.
    lasting : share of their variance that does not change.
    autocorrelation : of the rest from one year to the next.
    places, years : that it rests on.
    words : where it is from.
    """

    sd: float
    lasting: float
    autocorrelation: float
    places: int
    years: tuple[int, int]
    words: str


def window(panel: Panel, outcome: str, *, until: int | None = None) -> Window:
    """Spread, lasting share and autocorrelation of an outcome in the years up to one, once what hit all in a year is taken out.

    With T years the two-way residuals of an AR(1) have a first autocorrelation that is too low; the ρ whose expected residual autocorrelation is the one seen
    is taken (moments after the same demeaning).

    Parameters
    ----------
    panel : with the outcome.
    outcome : its column.
    until : the last year; None: all.

    Raises
    ------
    DataError : fewer than three years or ten places with the outcome in each of them.
    """
    column = panel.frame[panel.variable(outcome).name].unstack("year")
    grid = column[[year for year in column.columns if until is None or int(str(year)) <= until]].dropna(axis=1, how="all").dropna(axis=0)
    if grid.shape[0] < 10 or grid.shape[1] < 3:
        came = f"{grid.shape[0]} places and {grid.shape[1]} years"
        raise refusal(DataError, f"plan --from, {outcome}", "ten places in three years and more", came, "take a later --until, or declare the numbers")
    y = grid.to_numpy(dtype=float)
    g, t = y.shape
    y = y - y.mean(axis=0)
    inside = y - y.mean(axis=1, keepdims=True)
    seen = float((inside[:, 1:] * inside[:, :-1]).sum() / (t - 1)) / float((inside**2).sum() / t)
    rho = _matched(t, seen)
    centring = np.eye(t) - 1 / t
    unit = shocks(t, 1.0, rho, 0.0)
    changing = float((inside**2).sum() / (g - 1)) / float(np.trace(centring @ unit))
    whole = float((y**2).sum() / (g - 1) / t)
    years = int(grid.columns[0]), int(grid.columns[-1])
    return Window(
        sd=float(np.sqrt(whole)),
        lasting=float(np.clip(1 - changing / whole, 0.0, 0.999)),
        autocorrelation=rho,
        places=g,
        years=years,
        words=f"{panel.title}, {outcome}, {years[0]} to {years[1]}, {g} places",
    )


def _matched(years: int, seen: float) -> float:
    """The autocorrelation whose residuals less their own mean have the one that was seen."""
    centring = np.eye(years) - 1 / years

    def expected(rho: float) -> float:
        left = centring @ shocks(years, 1.0, rho, 0.0) @ centring
        return float(np.diagonal(left, 1).sum() / (years - 1)) / float(np.trace(left) / years)

    tried = np.linspace(-0.9, 0.95, 371)
    return float(tried[int(np.argmin(np.abs(np.array([expected(one) for one in tried]) - seen)))])


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Places for a pilot, and how like the others they are.

    Parameters
    ----------
    places : names.
    balance : column → difference of their mean from that of all, in standard deviations.
    distance : root mean square of these differences.
    usual : the same of sets drawn by lot, the median.
    fit : root mean squared distance of the weighed others from the mean of the chosen in the years before, over the outcome's standard deviation.
    weights : of the others that fit them, those above a hundredth.
    """

    places: tuple[str, ...]
    balance: dict[str, float] = field(default_factory=dict)
    distance: float = 0.0
    usual: float = 0.0
    fit: float = 0.0
    weights: dict[str, float] = field(default_factory=dict)


def choose(panel: Panel, outcome: str, number: int, *, like: Sequence[str] = (), until: int | None = None, rng: np.random.Generator) -> Chosen:
    """The places for a pilot whose means of outcome and covariates are nearest those of all, and whom the others can stand for.

    Sets are bettered by exchanging one place for another; of those as balanced the one is kept that weighed others fit best in the years before (Abadie &
    Zhao 2021, Synthetic controls for experimental design).

    Parameters
    ----------
    panel, outcome : whose years before are matched.
    number : of places.
    like : further columns, their mean over the years.
    until : the last year before; None: all.
    rng : for the exchanges.

    Raises
    ------
    ConfigError : fewer than one place, or more than half.
    """
    column = panel.frame[panel.variable(outcome).name].unstack("year")
    grid = column[[year for year in column.columns if until is None or int(str(year)) <= until]].dropna(axis=1, how="all").dropna(axis=0)
    names = [str(name) for name in grid.index]
    if not 1 <= number <= len(names) // 2:
        raise refusal(
            ConfigError, "plan --choose", f"from 1 to {len(names) // 2} places (half of those with an outcome in every year)", str(number), "take fewer"
        )
    y = grid.to_numpy(dtype=float)
    more = {one: panel.frame[panel.variable(one).name].groupby(level="authority").mean().reindex(grid.index).to_numpy(dtype=float) for one in like}
    columns = np.column_stack([y, *(np.where(np.isfinite(one), one, np.nanmean(one)) for one in more.values())])
    spread = columns.std(axis=0, ddof=1)
    z = (columns - columns.mean(axis=0)) / np.where(spread > 0, spread, 1.0)

    def away(some: Ints) -> float:
        return float(np.sqrt((z[some].mean(axis=0) ** 2).mean()))

    starts = [rng.permutation(len(names)) for _ in range(5)]
    drawn = [away(rng.permutation(len(names))[:number]) for _ in range(200)]
    best: list[tuple[float, Ints]] = []
    for order in starts:
        some, rest = order[:number].copy(), order[number:].copy()
        now = away(some)
        for _ in range(TRIES // len(starts)):
            i, j = int(rng.integers(number)), int(rng.integers(len(rest)))
            some[i], rest[j] = rest[j], some[i]
            if (then := away(some)) < now:
                now = then
            else:
                some[i], rest[j] = rest[j], some[i]
        best.append((now, np.sort(some)))
    least = min(one for one, _ in best)
    fits = [(*_stand_in(y, some), one, some) for one, some in best if one <= 1.5 * least + 1e-12]
    fit, weights, distance, some = min(fits, key=lambda one: one[0])
    others = np.setdiff1d(np.arange(len(names)), some)
    told = {f"{outcome} {year}": float(one) for year, one in zip(grid.columns, z[some].mean(axis=0), strict=False)}
    told |= {name: float(one) for name, one in zip(more, z[some].mean(axis=0)[y.shape[1] :], strict=True)}
    return Chosen(
        places=tuple(names[i] for i in some),
        balance=told,
        distance=distance,
        usual=float(np.median(drawn)),
        fit=fit,
        weights={names[i]: float(w) for i, w in zip(others, weights, strict=True) if w > 0.01},
    )


def _stand_in(y: Floats, some: Ints) -> tuple[float, Floats]:
    """How far a weighed mean of the others lies from the mean of the chosen, over the outcome's spread, and the weights (they add to one)."""
    from scipy.optimize import nnls

    others = np.setdiff1d(np.arange(len(y)), some)
    target, spread = y[some].mean(axis=0), float(y.std())
    heavy = 1e3 * max(spread, 1e-12)  # holds the sum of the weights to one
    weights, _ = nnls(np.vstack([y[others].T, np.full(len(others), heavy)]), np.r_[target, heavy])
    return float(np.sqrt(((y[others].T @ weights - target) ** 2).mean())) / (spread or 1.0), np.asarray(weights)
