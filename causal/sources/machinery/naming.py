"""What headlines and short sentences call variables: few words, whether it stands on a day or happens in a year, and how more of it is said.

The names are those of the published files, and of the worlds made after them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from causal.panel import Variable

Counts = Literal["stock", "flow"] | None
Comparative = Literal["more", "higher", "a higher"]
NAMES: dict[str, tuple[str, Counts, Comparative]] = {
    "plans": ("children on protection plans", "stock", "more"),
    "plans_started": ("new protection plans", "flow", "more"),
    "conferences": ("child protection conferences", "flow", "more"),
    "section47": ("section 47 enquiries", "flow", "more"),
    "referrals": ("referrals", "flow", "more"),
    "need_episodes": ("episodes of need", "flow", "more"),
    "need_at_31_march": ("children in need", "stock", "more"),
    "looked_after": ("children in care", "stock", "more"),
    "care_starts": ("entries to care", "flow", "more"),
    "care_starts_16_17": ("care entries at 16–17", "flow", "more"),
    "care_starts_1_4": ("care entries at 1–4", "flow", "more"),
    "deprivation": ("deprivation", None, "higher"),
    "child_poverty": ("child poverty", None, "higher"),
    "spending_power": ("spending power", None, "higher"),
    "centre_spending": ("children's centre spending", None, "higher"),
    "prevention_share": ("prevention share", None, "a higher"),
    "good_or_outstanding": ("share rated good", None, "a higher"),
}


def with_names(variable: Variable) -> Variable:
    """The variable with its headline name, where it has one."""
    if variable.name not in NAMES:
        return variable
    short, counts, comparative = NAMES[variable.name]
    return replace(variable, short=short, counts=counts, comparative=comparative)
