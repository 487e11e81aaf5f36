"""What several tests share: the made-up panels of `causal.testing`, and an estimator bent as told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from causal.design import Design
from causal.errors import EstimationError
from causal.estimate import Estimate
from causal.estimators.fixed_effects import FixedEffects
from causal.testing.worlds import ADOPTION, GRAPH, QUESTION, World, ar, designed, rate_at_least, refute, same, stated, trial_of, without

__all__ = ["ADOPTION", "GRAPH", "QUESTION", "Refitted", "World", "ar", "designed", "rate_at_least", "refute", "same", "stated", "trial_of", "without"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refitted:
    """Fixed effects that do not say they are linear, so that every draw is a refit; bent as told.

    share, narrow : what effect and error are multiplied by.
    how : "well", or "refuse", "no scores", "no error".
    """

    share: float = 1.0
    narrow: float = 1.0
    how: str = "well"
    name: str = "refitted"

    def estimate(self, design: Design, rng: np.random.Generator) -> Estimate:
        """Fixed effects, and what was told."""
        if self.how == "refuse":
            raise EstimationError("not today")
        made = FixedEffects().estimate(design, rng)
        assert made.std_error is not None
        gone: dict[str, dict[str, Any]] = {
            "well": {},
            "no scores": {"influence": None},
            "no error": dict.fromkeys(("std_error", "lower", "upper", "p_value", "df", "influence")),
        }
        bent = replace(made, effect=self.share * made.effect, std_error=self.narrow * made.std_error, estimator=self.name)
        return replace(bent, **gone[self.how])
