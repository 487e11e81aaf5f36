"""The contract of a decomposition: it takes a case apart, the same each time, says what does not follow, and gives numbers that a file can hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from causal.breakdown import Breakdown, Case
from causal.draws import stream
from causal.estimators.fixed_effects import FixedEffects
from causal.testing.contract import Checked, ContractBroken, DoesNotApply, kept, kind_of, must
from causal.testing.worlds import GRAPH, QUESTION, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A decomposition, what it was given and what it said."""

    decomposition: Any
    case: Case
    found: Breakdown


def made_up_case() -> Case:
    """A small made-up panel with a cut and plans, to be taken apart."""
    source = World(effect=3.0, authorities=40)
    return Case(
        panel=source.load(), question=replace(QUESTION, harm="increase"), graph=GRAPH, estimator=FixedEffects(), action="Cutting by half", source=source
    )


def check_decomposition(decomposition: Any, case: Case | None = None) -> Checked:
    """Hold a decomposition to the contract that its page, tables and figures rest on.

    Parameters
    ----------
    decomposition : with its knobs; few draws make it short (`quickened`).
    case : what it is to take apart; None takes a made-up panel (`made_up_case`), which has a cut, plans, poverty and deprivation.

    Returns
    -------
    what was looked at, and what does not apply, with the reason.

    Raises
    ------
    ContractBroken : a clause that does not hold; the message names the class, the clause, what was wanted, what came and what to try.
    CausalError : what `decompose` raises where the case has not what it needs; give a case that has.
    """
    who = kind_of(decomposition)
    for key in ("name", "decompose"):
        if not getattr(decomposition, key, None):
            raise ContractBroken(f"{who}: it has no {key}; a decomposition has a name and a method decompose(case, rng)")
    given = case or made_up_case()
    with threadpool_limits(limits=1):
        found = decomposition.decompose(given, stream(given.seed, decomposition.name))
        if not isinstance(found, Breakdown):
            raise ContractBroken(f"{who}: decompose must return a causal.breakdown.Breakdown, got {kind_of(found)}")
        passed, skipped = kept(who, CLAUSES, Tried(decomposition=decomposition, case=given, found=found))
    return Checked(name=decomposition.name, passed=("gives a breakdown", *passed), skipped=skipped, on=given.panel.title)


def bears_its_own_name_and_says_what_it_asks(tried: Tried) -> None:
    """Name, title, question and headline."""
    one = tried.found
    must(one.name == tried.decomposition.name, f"the Breakdown must bear the decomposition's name, {tried.decomposition.name!r}, got {one.name!r}")
    for key in ("title", "asks", "headline"):
        must(str(getattr(one, key)).strip(), f"{key} must say something")
    must(one.asks.rstrip().endswith("?"), f"asks must be a question, got {one.asks!r}")
    must(one.tables and all(len(table.rows) for table in one.tables), "it must give at least one table, and none without rows")
    must(all(words.strip() for words in one.cannot_say), "cannot_say must say what does not follow")


def answers_twice_the_same_and_leaves_its_case_as_it_was(tried: Tried) -> None:
    """All randomness is handed in, or drawn from the case's streams."""
    digest = tried.case.panel.digest
    again = tried.decomposition.decompose(tried.case, stream(tried.case.seed, tried.decomposition.name))
    must(again == tried.found, "the same case and stream must give the same breakdown; draw from rng and case.map alone, and keep nothing between calls")
    must(tried.case.panel.digest == digest, "the case's panel was changed; work on copies")


def does_not_mind_the_order_of_rows(tried: Tried) -> None:
    """A panel sorts itself: what is made of its own frame must hold to that."""
    panel = replace(tried.case.panel, frame=tried.case.panel.frame.sample(frac=1, random_state=5))
    again = tried.decomposition.decompose(replace(tried.case, panel=panel), stream(tried.case.seed, tried.decomposition.name))
    must(again.headline == tried.found.headline, f"rows in another order gave another headline: {again.headline!r} for {tried.found.headline!r}")


def gives_numbers_that_a_file_can_hold(tried: Tried) -> None:
    """Strict JSON has no number that is none; a column of numbers says its unit."""
    for table in tried.found.tables:
        for k, column in enumerate(table.columns):
            cells = [cell for row in table.rows if (cell := row[k]) is not None]
            if column.text or column.name in ("authority", "year"):
                continue
            bad = [cell for cell in cells if isinstance(cell, str) or not np.isfinite(float(cell))]
            must(not bad, f"table {table.name}, column {column.name}: words in a column of numbers ({bad[:1]}); say  text=True")


def sits_beside_what_was_planted(tried: Tried) -> None:
    """On simulated data that know their truth, the truth is told beside what was found."""
    if tried.found.truth is None:
        raise DoesNotApply("it does not know what these data planted")
    must(len(tried.found.truth.rows), "truth is a table without rows")


CLAUSES: tuple[Callable[[Tried], None], ...] = (
    bears_its_own_name_and_says_what_it_asks,
    answers_twice_the_same_and_leaves_its_case_as_it_was,
    does_not_mind_the_order_of_rows,
    gives_numbers_that_a_file_can_hold,
    sits_beside_what_was_planted,
)
