"""What a unit of treatment costs for each person, and how later years count (HM Treasury, The Green Book: 3.5 %, from year 31 3.0 %)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from causal.arrays import Floats
from causal.design import Design
from causal.errors import ConfigError, refusal
from causal.estimate import Estimate
from causal.panel import Panel

TIED = 0.2  # correlation within authorities from which on the data tell whether more treatment is more spending
EARLY, LATE, LATER = 0.035, 0.030, 30  # rates, and the last year at the first one


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Price:
    """What one unit of treatment costs for each person: shape (authorities,), NaN where not known; in words."""

    values: Floats
    label: str
    unit: str


def per_person(panel: Panel, price: str | float, authorities: Sequence[str]) -> Price | None:
    """The price at each authority: a number for all, or a column in its first year known; None where there is no such column.

    Parameters
    ----------
    panel : with the column, where the price is one.
    price : £ per person, or the column that holds it.
    authorities : codes, in the order wanted.
    """
    if not isinstance(price, str):
        return Price(values=np.full(len(authorities), float(price)), label="price of a unit", unit="£ per person")
    if price not in panel.names:
        return None
    variable = panel.variable(price)
    first = panel.frame[price].groupby(level="authority").first().reindex(list(authorities))
    return Price(values=first.to_numpy(dtype=float), label=f"{variable.label} in the first year", unit=variable.unit)


def price_of(panel: Panel, treatment: str, prices: Mapping[str, str | float]) -> str | float | None:
    """Column or number that a unit of this treatment costs for each person: as said, or 1 where the treatment is itself money per person; None: not known.

    Parameters
    ----------
    panel : with the treatment's unit.
    treatment : its column.
    prices : treatment → column, or £ per person.
    """
    own = panel.variable(treatment).unit.startswith("£ per ")
    return prices.get(treatment, 1.0 if own else None)


def direction(panel: Panel, treatment: str, price: str | float, said: str | None) -> float:
    """1 where more of the treatment is more spending, −1 where it is less (closures): as said, or as the price's column moves with it within authorities.

    Parameters
    ----------
    panel : values.
    treatment : its column.
    price : column, or £ per person.
    said : "more" or "less", by the evaluator; None where nobody has said.

    Raises
    ------
    ConfigError : nothing is said, and the data do not tell.
    """
    if said is not None:
        return 1.0 if said == "more" else -1.0
    if not isinstance(price, str) and panel.variable(treatment).unit.startswith("£ per "):
        return 1.0
    if isinstance(price, str) and price in panel.names:
        both = panel.frame[[treatment, price]].dropna()
        within = (both - both.groupby(level="authority").transform("mean")).to_numpy()
        size = np.sqrt((within**2).sum(axis=0))
        tie = float(within[:, 0] @ within[:, 1] / (size[0] * size[1])) if (size > 0).all() else 0.0
        if abs(tie) >= TIED:
            return float(np.sign(tie))
    raise refusal(
        ConfigError,
        "decomposition.spending",
        f"whether more of {treatment} is more spending or less",
        f"data that do not show it, with a price of {price!r}",
        "say  decomposition.spending=more,  or less",
    )


def discount(years: Floats) -> Floats:
    """What £1 in each year from now is worth today; year 0 is now."""
    years = np.asarray(years, dtype=float)
    return np.asarray((1 + EARLY) ** -np.minimum(years, LATER) * (1 + LATE) ** -np.maximum(years - LATER, 0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A kind of placement: what a year of it costs and how many of those in care are in it, each with the range that is drawn from (a triangle).

    Parameters
    ----------
    value, low, high : £ for a child-year, in the prices of the treatment's cost; never the cost of an episode.
    share, share_low, share_high : of children looked after.
    source : of all of it, in words.
    """

    value: float
    low: float
    high: float
    share: float
    share_low: float
    share_high: float
    source: str

    def __post_init__(self) -> None:
        for name, (low, value, high) in {"value": (self.low, self.value, self.high), "share": (self.share_low, self.share, self.share_high)}.items():
            if not 0 <= low <= value <= high:
                raise refusal(
                    ConfigError,
                    f"a placement's {name}",
                    "a number of at least 0 between its low and high ends",
                    f"{low:g}, {value:g}, {high:g}",
                    "put the three in order",
                )
        if self.share_high > 1:
            raise refusal(ConfigError, "a placement's share", "a share of at most 1", f"{self.share_high:g}", "write a quarter as 0.25")
        if not self.source.strip():
            raise refusal(ConfigError, "a placement's source", "words", "none", "say where its cost is from")

    def drawn(self, draws: int, rng: np.random.Generator) -> Floats:
        """What this kind adds to the cost of a year in care of one child, shape (draws,).

        Parameters
        ----------
        draws : how many.
        rng : draws share and price apart.
        """
        return triangle(self.low, self.value, self.high, draws, rng) * triangle(self.share_low, self.share, self.share_high, draws, rng)


def triangle(low: float, value: float, high: float, draws: int, rng: np.random.Generator) -> Floats:
    """Draws between two ends, most likely at the value; the value itself where there is no range."""
    return np.asarray(rng.triangular(low, value, high, draws)) if high > low else np.full(draws, float(value))


def joint_draws(effects: Floats, scores: Floats, df: float, draws: int, rng: np.random.Generator) -> Floats:
    """Effects that hang together, shape (draws, k): t with `df` round the estimates.

    effects : shape (k,); scores : shape (clusters, k), whose products are the covariance.
    """
    values, vectors = np.linalg.eigh(scores.T @ scores)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    normal = rng.standard_normal((draws, len(effects))) @ root.T
    return np.asarray(effects + normal * np.sqrt(df / rng.chisquare(df, draws))[:, None])


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An action kept up for some years, for some number of people; all but the draws fixed.

    Parameters
    ----------
    saved : £ saved in each year (below 0: spent).
    years : for which the action is kept.
    first, first_placed : years until the outcome, and until placements, have moved.
    """

    saved: float
    years: int
    first: int
    first_placed: int

    def weight(self, first: int) -> float:
        """Years from `first` on until the end, each by its discount."""
        return float(discount(np.arange(first, self.years, dtype=float)).sum())

    def totals(self, outcome: Floats, placed: Floats, cost: Floats) -> tuple[Floats, Floats]:
        """Outcome-years and net £ saved, discounted, for draws of the yearly effect on outcome and children in care and of the cost of a year in care.

        Parameters
        ----------
        outcome, placed : shape (draws,), yearly effects on the outcome and on children in care.
        cost : shape (draws,), £ of a year in care.
        """
        return outcome * self.weight(self.first), self.saved * self.weight(0) - placed * cost * self.weight(self.first_placed)


def drawn(one: tuple[Estimate, Design], other: tuple[Estimate, Design] | None, draws: int, rng: np.random.Generator) -> tuple[Floats, bool]:
    """Both effects, shape (draws, 2), by the scores of the clusters that they share; and whether how they hang together is known.

    Parameters
    ----------
    one : the estimate of the outcome and its design.
    other : of placements; None where these are not counted.
    draws : how many.
    rng : draws them.
    """
    first, made = one
    assert first.std_error is not None
    if other is None:
        return np.column_stack([joint_draws(np.array([first.effect]), np.array([[first.std_error]]), first.df or 1e6, draws, rng), np.zeros(draws)]), True
    second, arranged = other
    assert second.std_error is not None
    df = min(first.df or 1e6, second.df or 1e6)
    effects = np.array([first.effect, second.effect])
    if second is first:
        same = joint_draws(effects[:1], np.array([[first.std_error]]), df, draws, rng)
        return np.column_stack([same, same]), True
    if first.influence is None or second.influence is None:
        return joint_draws(effects, np.diag([first.std_error, second.std_error]), df, draws, rng), False
    names = sorted({*made.clusters, *arranged.clusters})
    at = {name: i for i, name in enumerate(names)}
    scores = np.zeros((len(names), 2))
    scores[[at[name] for name in made.clusters], 0] = first.influence
    scores[[at[name] for name in arranged.clusters], 1] = second.influence
    return joint_draws(effects, scores, df, draws, rng), True
