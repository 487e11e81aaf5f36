"""Which rows of a panel have everything that a question needs, and the columns that stand in them: what a design is made of.

What is lost on the way is counted step by step, with the source's own reasons for empty cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from causal.arrays import Floats, Ints
from causal.errors import DesignError, refusal
from causal.graph import dated, undated
from causal.identification import Identification
from causal.panel import Loss, Panel
from causal.question import Question
from causal.words import capital, count


class Control(str):
    """A cause that is adjusted for: a value, written `deprivation × year` where the cause acts with its own strength in each year.

    It equals and sorts as its written form, so that it stands in words and records as it is; whoever needs to know asks its fields.

    Parameters
    ----------
    cause : dated name of the cause.
    by_year : whether it has a column for each year.
    made : whether an estimator made it for itself, and it is no cause in the graph.
    """

    __slots__ = ("by_year", "cause", "made")
    cause: str
    by_year: bool
    made: bool

    def __new__(cls, cause: str, *, by_year: bool = False, made: bool = False) -> Control:
        """The value of these fields."""
        one = super().__new__(cls, f"{cause} × year" if by_year else cause)
        one.cause, one.by_year, one.made = cause, by_year, made
        return one

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, bool]]:
        return (self.cause,), {"by_year": self.by_year, "made": self.made}


def row_weights(question: Question, table: pd.DataFrame, people: Floats | None = None) -> Floats | None:
    """How much each row counts, mean 1.

    Parameters
    ----------
    question : whose weights; None comes back where all rows count alike.
    table : with a column "weight NAME".
    people : by what each row counts where the question does not say: the people, or the sum of their weights, whose mean it is; shape (rows,), or None.

    Raises
    ------
    DesignError : a weight that is not above 0.
    """
    if question.weights is None:
        return None if people is None or question.places_alike else np.asarray(people / people.mean())
    weights = table[f"weight {question.weights}"].to_numpy(dtype=float)
    if not (weights > 0).all():
        raise refusal(
            DesignError,
            f"question.weights={question.weights}",
            "numbers above 0 wherever it is known",
            f"{(weights <= 0).sum()} of {len(weights)} rows that are not",
            "leave those cells empty, or count all alike with  question.weights=null",
        )
    return np.asarray(weights / weights.mean())


def beside(panel: Panel, question: Question, identification: Identification, lag: int) -> dict[str, pd.Series]:
    """Instruments and front-door variables as the graph dates them, mediators the year after the treatment, the outcome the year before it.

    Parameters
    ----------
    panel, question, identification : of the design.
    lag : years from treatment to outcome.
    """
    names = {one.name for one in identification.instruments} | set(identification.frontdoor) | {dated(question.outcome, -lag - 1)}
    names |= {dated(name, -max(lag - 1, 0)) for name in identification.mediators} | {one.name for one in identification.cutoffs}
    return {name: panel.shift(undated(name)[0], undated(name)[1]) for name in sorted(names) if undated(name)[0] in panel.names}


def spacing(years: Sequence[int]) -> int:
    """Of how many years every step between a panel's years is a multiple (2 where they are two apart); 0 for one year."""
    return int(np.gcd.reduce(np.diff(np.asarray(years)))) if len(years) > 1 else 0


def complete(panel: Panel, table: pd.DataFrame, lag: int) -> tuple[pd.Series, list[Loss]]:
    """Which rows have everything, and what was lost at each step, with the source's own reasons for empty cells.

    Parameters
    ----------
    panel : whose log says why cells are empty.
    table : one column for each variable needed, the treatment second.
    lag : years from treatment to outcome.
    """
    lost = [loss for loss in panel.log if loss.column is None]
    kept = pd.Series(True, index=table.index)

    def lose(here: pd.Series, step: str) -> None:
        nonlocal kept
        here = here & kept
        if here.any():
            before, kept = kept, kept & ~here
            gone = set(table.index[before].unique("authority")) - set(table.index[kept].unique("authority"))
            lost.append(Loss(step=step, rows=int(here.sum()), authorities=tuple(sorted(gone))))

    for i, name in enumerate(table.columns):
        bare, by = undated(str(name))
        by = -lag if i == 1 else by
        if by:
            years = table.index.get_level_values("year") + by
            inside = pd.MultiIndex.from_arrays([table.index.get_level_values("authority"), years]).isin(panel.frame.index)
            step = f"no row {count(abs(by), 'year')} {'earlier' if by < 0 else 'later'}, where the panel begins or ends"
            apart = spacing(panel.years)
            if not inside.any() and apart > 1 and by % apart:
                step = f"no row {count(abs(by), 'year')} {'earlier' if by < 0 else 'later'}: the panel's years are {apart} apart"
            lose(pd.Series(~inside, index=table.index), step)
        # people are counted where numbers of them are kept to the rule of disclosure, and nowhere else
        said = [loss.step if loss.people else f"{loss.step} ({count(loss.rows, 'cell')})" for loss in panel.log if loss.column == bare]
        marks = panel.marks(bare)
        why = "; ".join([*said, *([", ".join(f"{n} marked {mark!r}" for mark, n in marks.items())] if marks else [])])
        lose(table[name].isna(), f"{str(name).removeprefix('modifier ').removeprefix('weight ')} not known" + (f": {why}" if why else ""))
    return kept, lost


def breaks(panel: Panel, dated: Mapping[str, int], year: Ints) -> list[str]:
    """What is known to break within the years used of each column (name → years' shift), and what it is rounded to.

    Parameters
    ----------
    panel : with the variables.
    dated : name → years' shift.
    year : shape (rows,), of the rows.
    """
    words = []
    for name, by in dated.items():
        variable = panel.variable(name)
        words += [
            f"{capital(variable.label)}: years from {when} on are not quite comparable with those before ({why})."
            for when, why in variable.breaks
            if year.min() + by < when <= year.max() + by
        ]
        if variable.rounding:
            words.append(f"{capital(variable.label)}: made of published numbers that are rounded to {variable.rounding:g}.")
    return words


def control_columns(
    table: pd.DataFrame, linear: list[str], identification: Identification, year: Ints, words: list[str]
) -> tuple[Floats, tuple[str, ...], dict[Control, tuple[int, ...]]]:
    """Columns to adjust for; a cause that acts by year gets one for each year, the first year's being its level.

    Parameters
    ----------
    table : one row for each of the design's, and a column for each control.
    linear : names of the columns to adjust for.
    identification : which of them act by year.
    year : shape (rows,).
    words : gets a sentence.

    Returns
    -------
    columns : shape (rows, columns), raw.
    names : of each column.
    groups : which columns stand for one cause.
    """
    columns: list[Floats] = []
    names: list[str] = []
    groups: dict[Control, tuple[int, ...]] = {}
    absorbs_place = "authority" in identification.adjust_for
    for name in linear:
        values = table[name].to_numpy(dtype=float)
        by_year = name in identification.by_year
        parts = [] if by_year and absorbs_place else [(name, values)]
        if by_year:
            parts += [(f"{name} × {one}", np.where(year == one, values, 0.0)) for one in np.unique(year)[1:]]
        groups[Control(name, by_year=by_year)] = tuple(range(len(columns), len(columns) + len(parts)))
        columns += [part for _, part in parts]
        names += [part for part, _ in parts]
    if groups:
        words.append(f"Adjusted for: {', '.join(groups)}.")
    return (np.column_stack(columns) if columns else np.empty((len(table), 0))), tuple(names), groups
