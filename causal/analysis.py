"""An analysis up to its design, made in one place: what the graph says of a question with these data, and the rows that follow from it.

Everything that asks a panel a question begins with it: a study, the checks beforehand, a protocol, a decomposition, a simulation. No outcome is
compared here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from causal.design import Design, design
from causal.errors import DesignError, NotEstimable, refusal
from causal.graph import Graph
from causal.identification import Identification, Strategy
from causal.identify import identify
from causal.panel import Panel
from causal.question import Question


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Analysis:
    """A question to a panel under a graph, as far as it goes without an estimator.

    Parameters
    ----------
    panel, question, graph : what was given.
    identification : what the graph says.
    design : the rows; None where the effect is not identified or not estimable, which are findings.
    not_estimable : why there is no design of an identified effect.
    """

    panel: Panel
    question: Question
    graph: Graph
    identification: Identification
    design: Design | None
    not_estimable: NotEstimable | None = None

    def must(self, end: str) -> Design:
        """The design, where one there must be.

        Parameters
        ----------
        end : of the sentence on an effect that is not identified ("no effect to take apart").

        Raises
        ------
        DesignError : the graph does not identify the effect, or it is not estimable.
        """
        if self.design is not None:
            return self.design
        if self.not_estimable is not None:
            raise self.not_estimable
        raise refusal(
            DesignError,
            f"{self.question.treatment} → {self.question.outcome}",
            "an effect that the graph identifies with these data",
            f"one that it does not{end}",
            "causal explain says what would have to be measured",
        )


def analyse(
    panel: Panel,
    question: Question,
    graph: Graph,
    *,
    estimator: object = None,
    adjust_for: Iterable[str] | None = None,
    identification: Identification | None = None,
) -> Analysis:
    """Identify, and arrange the rows.

    Parameters
    ----------
    panel, question, graph : the parts of a study.
    estimator : whose `strategy` is taken where it has one ("iv", "frontdoor"), otherwise the back door; and whether it knows covariates in `one_year` alone.
    adjust_for : an adjustment set forced against the graph's; None takes the graph's.
    identification : what `identify` found for these parts, if it was asked already (many panels, one graph).

    Raises
    ------
    CausalError : the input cannot be used; "not identified" and "not estimable within authorities" are findings instead.
    """
    found = identification or identified(panel, question, graph, estimator=estimator, adjust_for=adjust_for)
    made, why = None, None
    if found.identified:
        try:
            made = design(panel, question, found)
        except NotEstimable as problem:
            why = problem
    return Analysis(panel=panel, question=question, graph=graph, identification=found, design=made, not_estimable=why)


def identified(panel: Panel, question: Question, graph: Graph, *, estimator: object = None, adjust_for: Iterable[str] | None = None) -> Identification:
    """What the graph says of the question with what these data have measured, for this estimator's strategy.

    Parameters
    ----------
    panel, question, graph, estimator, adjust_for : as in `analyse`.

    Raises
    ------
    GraphError : a name that the graph lacks.
    ConfigError : a forced set that cannot be.
    """
    strategy: Strategy = getattr(estimator, "strategy", "backdoor")
    return identify(question, graph, measured=panel.known, adjust_for=adjust_for, strategy=strategy, one_year=getattr(estimator, "one_year", False))
