"""Finds out whether a preventative public service works, and says so truthfully.

The public names, in the order of the story; each is imported when it is first asked for, since pandas alone takes half a second.
The steps `identify` and `design` live in the modules of their names, `judge` in `causal.verdict.decide`.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from causal.design import Design
    from causal.errors import CausalError, ConfigError, DataError, DesignError, EstimationError, GraphError
    from causal.estimand import Conditioning, DesignFacts, Estimand, JointTest
    from causal.estimate import Estimate, Estimator, Part
    from causal.graph import Arrow, Graph, Node
    from causal.identification import Identification
    from causal.loading import load
    from causal.own_data import read
    from causal.panel import Loss, Panel, Variable
    from causal.question import Question, Saying
    from causal.refutation import Refutation
    from causal.refute import Refuter
    from causal.study import Result, Study, run
    from causal.trial import Trial
    from causal.verdict.decide import Rule, Verdict

__version__ = "0.1.0"  # the one home of the version: pyproject.toml reads it here

_HOMES = {
    "question": ("Question", "Saying"),
    "graph": ("Node", "Arrow", "Graph"),
    "panel": ("Variable", "Loss", "Panel"),
    "own_data": ("read",),
    "loading": ("load",),
    "identification": ("Identification",),
    "design": ("Design",),
    "estimand": ("Estimand", "Conditioning", "DesignFacts", "JointTest"),
    "estimate": ("Part", "Estimate", "Estimator"),
    "trial": ("Trial",),
    "refutation": ("Refutation",),
    "refute": ("Refuter",),
    "verdict.decide": ("Rule", "Verdict"),
    "study": ("Study", "Result", "run"),
    "errors": ("CausalError", "DataError", "GraphError", "DesignError", "EstimationError", "ConfigError"),
}
__all__ = [
    "Arrow",
    "CausalError",
    "Conditioning",
    "ConfigError",
    "DataError",
    "Design",
    "DesignError",
    "DesignFacts",
    "Estimand",
    "Estimate",
    "EstimationError",
    "Estimator",
    "Graph",
    "GraphError",
    "Identification",
    "JointTest",
    "Loss",
    "Node",
    "Panel",
    "Part",
    "Question",
    "Refutation",
    "Refuter",
    "Result",
    "Rule",
    "Saying",
    "Study",
    "Trial",
    "Variable",
    "Verdict",
    "load",
    "read",
    "run",
]


_OLD = {"Held": "Conditioning"}  # names that go in two minor versions


def __getattr__(name: str) -> Any:
    if name in _OLD:
        warnings.warn(f"causal.{name} is called causal.{_OLD[name]} now", DeprecationWarning, stacklevel=2)
        name = _OLD[name]
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"causal.{home}"), name)
    raise AttributeError(f"module 'causal' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
