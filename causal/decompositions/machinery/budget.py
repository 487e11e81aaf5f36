"""Where would a sum do most? Rules for a budget, valued in authorities that they were not made from.

Effects are in a straight line in the dose and the dose is money for each person, so a sum spread evenly over the people of some authorities does, in the
outcome, sum × (mean effect of one unit of money per person over those people). A rule chooses authorities; the same sum spread over everybody is what it has
to beat, and the difference is its gain, the regret of spending evenly. Rules:

- "line": the authorities with the highest effects by a straight line in what is known of them, up to a share of the people;
- "tree": a shallow tree that chooses where the effect lies above the average, by EconML's `PolicyTree` (Athey & Wager 2021, Policy learning with
  observational data; its reward is the doubly robust score with one variance of the treatment for all).

Values are those of rules made from the other folds, each fold of whole authorities: predicted effects plus a clustered regression of what they leave, among
those chosen and among the others, people counting alike. They hold for the rule as it is made, not for the one tree that is printed.
Where effects were planted to differ, the line's gain was found a fifth too small and its interval held it (benchmarks/groups_and_cost.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from causal.arrays import Floats, Ints
from causal.decompositions.machinery.held_out import Slopes, by_rank, crossed, ends, folds_of, predicted, regression
from causal.inference.clustered import Fit, median_fit

RuleKind = Literal["tree", "line"]
RULES: tuple[RuleKind, ...] = ("tree", "line")
DEPTH = 2
LEAF = 12  # authorities


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """What a rule gains over spending evenly, held out; outcome units by unit of money per person, good counted above 0.

    Parameters
    ----------
    rule : of RULES.
    share : of people whom it chooses, mean over splits.
    chosen, even : effect in those chosen, and in all.
    gain, lower, upper : chosen less even, with its interval; medians over splits.
    p_value : one-sided (no gain), twice the median over splits, at most 1.
    """

    rule: RuleKind
    share: float
    chosen: float
    even: float
    gain: float
    lower: float
    upper: float
    p_value: float


def chosen_by(rule: RuleKind, known: Slopes, others: Slopes, rng: np.random.Generator, *, good: float, share: float) -> Ints:
    """Which of `others` a rule made from `known` chooses; 1 or 0, shape (others,).

    good : 1 where a higher outcome is good, −1 where it is bad.
    """
    if rule == "tree":
        return np.asarray(grown(known, rng, good=good).predict(others.features), dtype=np.int64)
    order = np.argsort(-good * predicted("linear", known, others.features, rng), kind="stable")
    # the last one is taken where that brings the share of people nearer to what is wanted
    reached = np.cumsum(others.people[order]) - others.people[order] / 2
    picked = np.zeros(len(order), dtype=np.int64)
    picked[order[reached <= share * others.people.sum()]] = 1
    return picked


def grown(known: Slopes, rng: np.random.Generator, *, good: float) -> Any:
    """EconML's policy tree: 1 where money does more than on average.

    Parameters
    ----------
    known : authorities that the tree is grown from.
    rng : seeds it.
    good : 1 where more of the outcome is good, −1 where less is.
    """
    from econml.policy import PolicyTree

    reward = good * known.people * (known.cross - known.mean * known.square)
    scale = float(np.abs(reward).max()) or 1.0
    tree = PolicyTree(max_depth=DEPTH, min_samples_leaf=LEAF, min_samples_split=2 * LEAF, honest=False, random_state=int(rng.integers(2**31)))
    return tree.fit(known.features, np.column_stack([np.zeros(len(reward)), reward / scale]))


def picks(slopes: Slopes, rule: RuleKind, *, good: float, share: float, folds: int, splits: int, rng: np.random.Generator) -> list[tuple[Ints, Floats]]:
    """For each split whom the rule, made from the other folds, chooses (1 or 0) and what effect they predict; shape (authorities,) each.

    Parameters
    ----------
    slopes : of all authorities.
    rule : which rule.
    good : 1 where more of the outcome is good, −1 where less is.
    share : of people that the rule may reach, 0 to 1.
    folds : of whole clusters.
    splits : how often clusters are dealt into folds anew.
    rng : deals them and seeds what the rule is learnt by.
    """
    out = []
    for _ in range(splits):
        fold = folds_of(slopes.cluster, folds, rng)
        picked = np.zeros(len(fold), dtype=np.int64)
        for k in range(folds):
            here = np.flatnonzero(fold == k)
            picked[here] = chosen_by(rule, slopes.subset(np.flatnonzero(fold != k)), slopes.subset(here), rng, good=good, share=share)
        out.append((picked, crossed(slopes, "linear", fold, rng)))
    return out


def value(slopes: Slopes, rule: RuleKind, picked: Sequence[tuple[Ints, Floats]], *, good: float, level: float) -> Value:
    """The rule's value in authorities that it was not made from, as `picks` chose them.

    Parameters
    ----------
    slopes : of all authorities.
    rule : which rule.
    picked : as `picks` gives them, arrays of shape (authorities,).
    good : 1 where more of the outcome is good, −1 where less is.
    level : of the interval.

    Returns
    -------
    value : in outcome units by unit of money; medians over splits.
    """
    from scipy import stats

    by_people = replace(slopes, cross=slopes.cross * slopes.people, square=slopes.square * slopes.people)
    clusters = len(np.unique(slopes.cluster))
    fits, p_values, shares = [], [], []
    for chosen, effects in picked:
        reached = float(slopes.people[chosen == 1].sum() / slopes.people.sum())
        shares.append(reached)
        cells = np.column_stack([chosen == 1, chosen == 0]).astype(float)
        if (cells * slopes.square[:, None]).sum(axis=0).min() <= 1e-9 * slopes.square.sum():
            # everyone or no one: the same as spending evenly
            whole = regression(by_people, np.ones((len(chosen), 1)), effects=effects)
            even = float(np.average(effects, weights=slopes.people) + whole.coefficients[0])
            numbers, scores, df = np.array([even, even, 0.0]), np.column_stack([whole.scores, whole.scores, np.zeros(clusters)]), np.repeat(whole.df, 3)
            p_values.append(1.0)
        else:
            left = regression(by_people, cells, effects=effects)
            means = np.array([np.average(effects, weights=slopes.people * cell) for cell in cells.T]) + left.coefficients
            mix = np.array([[1.0, 0.0], [reached, 1 - reached], [1 - reached, reached - 1]])
            numbers, scores = mix @ means, left.scores @ mix.T
            variance = left.std_errors**2
            df = np.array([left.df[0], left.df.min(), variance.sum() ** 2 / (variance**2 / left.df).sum()])
            p_values.append(float(stats.t(df[2]).sf(good * numbers[2] / np.sqrt((scores[:, 2] ** 2).sum()))))
        fits.append(Fit(coefficients=good * numbers, scores=good * scores, df=df, residuals=np.empty(0), inference=""))
    middle = median_fit(fits)
    lower, upper = ends(middle, level)
    return Value(
        rule=rule,
        share=float(np.mean(shares)),
        chosen=float(middle.coefficients[0]),
        even=float(middle.coefficients[1]),
        gain=float(middle.coefficients[2]),
        lower=float(lower[2]),
        upper=float(upper[2]),
        p_value=min(1.0, 2 * float(np.median(p_values))) if len(picked) > 1 else p_values[0],
    )


def tree_text(tree: Any, raw: Floats, names: tuple[str, ...]) -> list[str]:
    """The branches of a policy tree that end in "more here", in words and the features' own units.

    Parameters
    ----------
    tree : as `grown` gives it.
    raw : shape (authorities, k), the features before they were put by rank, in the order of the tree's.
    names : of the features.
    """
    inner = tree.tree_
    leaves: list[str] = []
    features = np.asarray(inner.feature)

    def down(node: int, rows: Ints, said: tuple[str, ...], at: Floats) -> None:
        left, right = int(inner.children_left[node]), int(inner.children_right[node])
        if left < 0:
            if len(rows) and int(tree.predict(at[rows[:1]])[0]) == 1:
                leaves.append(f"{' and '.join(said) or 'everywhere'} ({len(rows)} authorities)")
            return
        which = int(features[node])
        low = rows[at[rows, which] <= inner.threshold[node]]
        high = rows[at[rows, which] > inner.threshold[node]]
        edge = (raw[low, which].max() + raw[high, which].min()) / 2 if len(low) and len(high) else np.nan
        binary = set(np.unique(raw[:, which])) <= {0.0, 1.0}
        for child, some, words in ((left, low, "at most"), (right, high, "above")):
            one = (names[which] if words == "above" else f"not {names[which]}") if binary else f"{names[which]} {words} {edge:,.4g}"
            down(child, some, (*said, one), at)

    down(0, np.arange(len(raw)), (), by_rank(raw))
    return leaves
