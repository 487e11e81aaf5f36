"""The rule before this one, kept to stand beside it on the same panels: three checks decide, and nothing else takes an answer away.

With l and u the ends of the interval: a decisive check rejected (Holm at 5 % over the decisive ones) → "failed_checks"; inside ±δ "little_or_none"; beyond
one δ "probably", but "may" where a decisive check was not run and none stands in for it; 0 < l < δ ≤ u "may"; −δ < l ≤ 0 and u ≥ δ "unlikely_otherwise"; else
"cannot_tell"; each mirrored.
"""

from __future__ import annotations

from collections.abc import Sequence

from causal.estimate import Estimate
from causal.inference.multiplicity import rejected
from causal.refutation import Refutation
from causal.verdict.rule import row_of

DECISIVE = {
    "dose": ("future_treatment", "implied_independence", "negative_control_outcome"),
    "adoption": ("pre_trend", "implied_independence", "negative_control_outcome"),
    "instrument": ("placebo_dates", "negative_control_outcome"),
    "one_row": ("placebo_treatment", "implied_independence", "negative_control_outcome"),
    "cross_section": ("placebo_treatment", "implied_independence", "negative_control_outcome"),
}
SUBSTITUTES = {"implied_independence": ("negative_control_outcome", "negative_control_exposure")}
UP = {"important_rise": "probably", "rise": "may", "inside": "little_or_none", "no_important_fall": "unlikely_otherwise", "both": "cannot_tell"}
DOWN = {"important_fall": "probably", "fall": "may", "no_important_rise": "unlikely_otherwise"}


def old_finding(kind: str, estimate: Estimate, checks: Sequence[Refutation], smallest: float) -> tuple[str, str]:
    """Finding and direction by the old rule.

    Parameters
    ----------
    kind : of design.
    estimate, checks : of one panel.
    smallest : the smallest important effect.
    """
    names = DECISIVE[kind]
    ran = {one.name: one for one in checks if one.name in names and one.survived is not None}
    bad = rejected({name: one.p_value for name, one in ran.items() if one.p_value is not None}, 0.05)
    if bad or any(one.p_value is None and one.survived is False for one in ran.values()):
        return "failed_checks", ""
    row = row_of(estimate.lower, estimate.upper, smallest)
    if row is None:
        return "no_interval", ""
    finding, direction = (UP[row], "increase") if row in UP else (DOWN[row], "decrease")
    if finding in ("little_or_none", "cannot_tell"):
        return finding, ""
    tried, passed = {one.name for one in checks}, {one.name for one in checks if one.survived}
    lacking = [name for name in names if name not in ran and (name not in tried or not passed.intersection(SUBSTITUTES.get(name, ())))]
    return ("may" if finding == "probably" and lacking else finding), direction
