"""An interval for one treated place, from the order of its own dates.

Under a supposed effect the treated place's outcome without it is known for all dates, so that weights of the others can be fitted to all of them, and what they
miss since the treatment should be like what they miss before: no shift of the dates round their circle should often make it smaller. The effects that such a
test does not reject are the interval (Chernozhukov, Wüthrich & Zhu 2021, An exact and robust conformal inference method for counterfactual and synthetic
controls). It is exact where shocks are stationary, and needs no other treated place and no law of the errors. Of T dates no p-value lies below 1/T, so
that twenty are wanted for 95 %.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from causal.arrays import Floats

STEPS, HALVINGS, FARTHEST = 24, 12, 30.0  # of the search; in units of what is missed before


def p_value(missed: Floats, since: int) -> float:
    """How often dates shifted round their circle miss as much on average as the last ones do.

    Parameters
    ----------
    missed : shape (dates,), what the weights miss under the effect supposed.
    since : dates since the treatment, the last ones.
    """
    size = np.abs(missed)
    sums = np.array([np.roll(size, shift)[-since:].sum() for shift in range(len(size))])
    return float((sums >= sums[0] * (1 - 1e-12)).mean())


def accepted(missed: Callable[[float], Floats], since: int, centre: float, scale: float, level: float) -> tuple[float, float] | None:
    """The ends of the effects that are not rejected; None where they have none.

    Parameters
    ----------
    missed : effect → shape (dates,), what the weights miss under it.
    since : dates since the treatment.
    centre, scale : where the search begins, and its unit.
    level : of the interval.
    """

    def kept(effect: float) -> bool:
        return p_value(missed(effect), since) > 1 - level + 1e-12

    if not scale > 0 or not kept(centre):
        return None
    ends = []
    for way in (-1, 1):
        inside, outside = centre, None
        for step in range(1, STEPS + 1):
            there = centre + way * scale * FARTHEST * (step / STEPS) ** 2
            if kept(there):
                inside = there
            else:
                outside = there
                break
        if outside is None:
            return None
        for _ in range(HALVINGS):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if kept(middle) else (inside, middle)
        ends.append(outside)
    return float(ends[0]), float(ends[1])
