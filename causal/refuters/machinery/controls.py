"""Negative controls, outcomes and exposures alike: which of those named can serve, what the study answers for each, and how it is said.

Lipsitch, Tchetgen Tchetgen & Cohen 2010, Negative controls: a tool for detecting confounding and bias in observational studies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import networkx as nx
import numpy as np

from causal.design import Design
from causal.errors import CausalError, ConfigError, refusal
from causal.estimate import Estimate
from causal.graph import dated, undated
from causal.refuters import p_text
from causal.refuters.machinery.bias import reach
from causal.trial import Setting, Trial
from causal.words import listed, places, signed, span

NOTHING_LEFT = 1e-7  # share of a column's length below which the others tell it
Answer = tuple[Design, Estimate]


def column_names(where: str, value: object) -> tuple[str, ...]:
    """A knob that lists columns, as a tuple without repeats.

    Parameters
    ----------
    where : the knob's name, as its YAML has it.
    value : what came.

    Raises
    ------
    ConfigError : something else than a list of names.
    """
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        raise refusal(ConfigError, where, "a list of column names, [one, another]", repr(value), "write a list of them")
    names = tuple(dict.fromkeys(value))
    if any(not isinstance(name, str) or not name.strip() for name in names):
        raise refusal(ConfigError, where, "a list of column names, [one, another]", repr(list(names)), "take out what is empty or stands twice")
    return names


def answers(
    trial: Trial, name: str, names: tuple[str, ...], ask: Callable[[str], Answer], refuse: Callable[[str], str | None]
) -> tuple[dict[str, Answer], str]:
    """The analysis with each control in place, and why some were left out, as the end of a sentence.

    Parameters
    ----------
    trial : the analysis.
    name : the refuter's, for its streams.
    names : of the controls.
    ask : the analysis with one control in place.
    refuse : why a control cannot be put in place; None where it can.
    """
    found: dict[str, Answer] = {}
    out: list[str] = []
    able: list[str] = []
    for one in names:
        if (why := refuse(one)) is None:
            able.append(one)
        else:
            out.append(why)

    def step(draw: int, _: np.random.Generator) -> Answer | str:
        try:
            return ask(able[draw])
        except CausalError as why:
            return f"{able[draw]}: {why}"

    # a linear fit is done before other processes have begun
    made = [step(i, np.random.default_rng(0)) for i in range(len(able))] if trial.linear else trial.map(name, step, len(able)) if able else []
    for one, answer in zip(able, made, strict=True):
        if isinstance(answer, str):
            out.append(answer)
        elif not _usable(answer[1]):
            out.append(f"{one}: {answer[1].estimator} gives no effect with a standard error for it")
        else:
            found[one] = answer
    return found, "; ".join(out)


def _usable(estimate: Estimate) -> bool:
    numbers = (estimate.effect, estimate.std_error, estimate.p_value)
    return all(one is not None and np.isfinite(one) for one in numbers) and bool(estimate.std_error)


def tied(trial: Setting, name: str, other: str, fixed: tuple[str, ...]) -> str | None:
    """Why a control in the graph is not null there: it goes with the `other` dated node even with `fixed` held; None where the graph parts them.

    Every year from the treatment's to the outcome's is looked at, since what a year's control goes with mostly lasts.

    Parameters
    ----------
    trial : question and graph.
    name : of the control.
    other : dated name of a node.
    fixed : dated names that are conditioned on.
    """
    question, graph = trial.question, trial.graph
    if graph is None or name not in (node.name for node in graph.nodes):
        return None
    back = question.lag + 1 + max((arrow.lag for arrow in graph.arrows), default=0)
    unrolled = graph.unroll(back=back)
    # the treatment is a state: its other years act through it, as in identification
    unrolled.remove_nodes_from([dated(question.treatment, -year) for year in range(back + 1) if year != question.lag])
    end = other if other in unrolled else undated(other)[0]
    conditioned = {one for one in fixed if one in unrolled and undated(one)[0] != name}
    for year in range(question.lag + 1):
        node = dated(name, -year) if dated(name, -year) in unrolled else name
        if not nx.is_d_separator(unrolled, {node}, {end}, conditioned - {end}):
            return (
                f"by the graph {name} and {undated(end)[0]} go together whatever the answer's faults, even with {listed(sorted(fixed)) or 'nothing'} held fixed"
            )
    return None


def minimum_detectable_bias(controls: Sequence[tuple[Estimate, float]], level: float) -> float | None:
    """The smallest bias of the answer that some control shows four times in five, if it moves all of them as it moves the answer.

    Parameters
    ----------
    controls : what each was estimated to do, and what one unit of that means for the answer, outcome units.
    level : rate at which all are held together.
    """
    sees = [(abs(scale) * float(one.std_error or 0.0), reach(np.inf if one.df is None else one.df, level / len(controls))) for one, scale in controls]
    return min((error * times for error, times in sees if times is not None), default=None)


def effect_text(design: Design, estimate: Estimate) -> str:
    """An effect with its range and p-value: "+0.2 per 10,000 (−0.3 to +0.7, p = 0.412)".

    Parameters
    ----------
    design : gives the unit.
    estimate : with an interval.
    """
    assert estimate.std_error is not None and estimate.p_value is not None
    decimals = places(max(abs(estimate.effect), estimate.std_error))
    reach = span(estimate.lower, estimate.upper, decimals)
    return f"{signed(estimate.effect, decimals)} {design.outcome_variable.unit} ({reach}, {p_text(estimate.p_value)})"
