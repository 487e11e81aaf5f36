"""A panel: one row for each authority and year, one column for each variable, every column with a unit and a source."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from causal.errors import DataError, refusal, suggest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LATER = {"later": True}  # a field that records have only where it says something, since the schema is older than it


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """What a column holds.

    Parameters
    ----------
    name : the column's name, as graph, question and overrides call it.
    label : words for a reader, lower case, without the unit ("children on protection plans").
    unit : as printed after a number ("per 10,000 children").
    source : publication, or equation, that the numbers come from.
    definition : how it was computed, where that is not plain from the label.
    varies : "both" (by authority and year), "authority" (constant in time) or "year" (national).
    count_per : for a rate, the number of units one is counted in (10,000), so that it can be told as a count.
    caution : a known fault in how it is recorded, as a sentence; it reaches the verdict.
    remedy : what would mend that, as a sentence that begins with a verb ("Get the dates on which …"); "" where nobody knows.
    unmoved : why no treatment that is studied with this panel can move it, where that is so: it then serves as a negative control; "" otherwise.
    short : the label in at most five words, as headlines have it ("children on plans"); "" takes the label.
    counts : "stock" for what stands on one day, "flow" for what happens in a year; None where nobody has said.
    comparative : how more of it is said: "more" (more children, fewer children), "higher" (higher spending) or "a higher" (a higher rate).
    rounding : what published numbers behind it are rounded to (counts to 5 or 10), None where they are not, or not known.
    breaks : (year, why) where numbers from that year on are not quite comparable with those before; design and report say so.
    row_count : for a mean over people, the column that says over how many; a design then counts people, and every person alike.
    weight : for a mean over people that was weighed, the column with the sum of their weights.
    levels : for a characteristic of people kept as whole numbers from 0, what each of them is called.

    Examples
    --------
    >>> plans = Variable(name="plans", label="children on protection plans", unit="per 10,000 children", source="made up", count_per=10_000)
    >>> plans.varies
    'both'
    """

    name: str
    label: str
    unit: str
    source: str
    definition: str = ""
    varies: Literal["both", "authority", "year"] = "both"
    count_per: float | None = None
    caution: str = ""
    unmoved: str = ""
    short: str = ""
    counts: Literal["stock", "flow"] | None = None
    comparative: Literal["more", "higher", "a higher"] = "more"
    rounding: float | None = None
    breaks: tuple[tuple[int, str], ...] = ()
    remedy: str = ""
    row_count: str | None = field(default=None, metadata=LATER)
    weight: str | None = field(default=None, metadata=LATER)
    levels: tuple[str, ...] = field(default=(), metadata=LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Rows and authorities that a step left out, and why.

    Parameters
    ----------
    step : why, in words.
    rows : authority-years left out; with `column`, cells left empty.
    authorities : codes of those of which no row is left.
    column : the column whose cells were left empty; None where whole rows went.
    people : whether `rows` counts people, whose own rows were left out before they were added up.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from causal.testing.worlds import QUESTION, World, designed
    >>> [(loss.step, loss.rows) for loss in designed(World().load(), replace(QUESTION, lag=1)).lost]
    [('no row 1 year earlier, where the panel begins or ends', 60)]
    """

    step: str
    rows: int
    authorities: tuple[str, ...] = ()
    column: str | None = None
    people: bool = False


def no_reasons() -> pd.Series:
    """Reasons for missing numbers, before there are any."""
    index = pd.MultiIndex.from_arrays([[], [], []], names=["authority", "year", "variable"])
    return pd.Series([], index=index, dtype=object)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel:
    """A checked table of authorities and years.

    Parameters
    ----------
    frame : shape (authority-years, variables), float columns, unique sorted MultiIndex
        (authority: str, year: int); missing values are NaN.
    variables : one `Variable` for each column of `frame`, in its order.
    places : shape (authorities, attributes), indexed by authority: `name`, and where known
        `region`, `region_code`, `old_la_code`, `new_la_code`, `cluster` (who moves together; the
        authority itself where absent), `effect` (whose constant effect it has; its own where absent), `group` (a user's own groups, which may share what
        hits them). Empty cells are "".
    title : what these data are, in a few words.
    population : name of the column that counts the people a rate refers to, if any.
    simulated : True where no real place is described; every output then says so.
    planted : for simulated data, what was planted: words and numbers by name.
    log : what was left out on the way here.
    notes : known breaks, rounding and limits, as sentences.
    of_people : whether the source is rows of people, who must not be recognised in what is published.
    borders : pairs of authorities that share a border, each pair once, in order; None where no table of borders was given.
    reasons : why a number is missing, where the source says: indexed by (authority, year, variable), the mark as printed ("x", "c", "..", "blank")
        or a few words.

    Raises
    ------
    DataError : duplicate rows, text or infinities in a column, a column without its `Variable`.

    Examples
    --------
    >>> from causal.testing.worlds import World
    >>> panel = World(authorities=30, years=6).load()
    >>> panel.names, panel.years
    (('deprivation', 'poverty', 'cut', 'plans', 'children'), (2011, 2012, 2013, 2014, 2015, 2016))
    >>> panel.subset(years=[2015, 2016]).frame.shape
    (60, 5)
    >>> panel.shift("plans", -1).loc["A0000"].isna().to_list()
    [True, False, False, False, False, False]
    """

    frame: pd.DataFrame
    variables: tuple[Variable, ...]
    places: pd.DataFrame
    title: str
    population: str | None = None
    simulated: bool = False
    planted: Mapping[str, Any] = field(default_factory=dict)
    log: tuple[Loss, ...] = ()
    notes: tuple[str, ...] = ()
    reasons: pd.Series = field(default_factory=no_reasons)
    borders: tuple[tuple[str, str], ...] | None = None
    of_people: bool = False

    def __post_init__(self) -> None:
        frame = self.frame
        if list(frame.index.names) != ["authority", "year"]:
            raise refusal(
                DataError, "a panel", "an index of (authority, year)", f"{list(frame.index.names)}", "set it with  frame.set_index(['authority', 'year'])"
            )
        if not len(frame):
            raise refusal(DataError, self.title, "rows", "none: no rows are left", "choose other years, places or values to keep")
        repeated = frame.index[frame.index.duplicated()]
        if len(repeated):
            raise refusal(
                DataError,
                self.title,
                "one row for each authority and year",
                f"{len(repeated)} authority-years more than once, the first is authority {repeated[0][0]!r}, year {repeated[0][1]}",
                "keep one row for each",
            )
        if [variable.name for variable in self.variables] != list(frame.columns):
            raise refusal(
                DataError,
                self.title,
                f"a variable for each of the columns {list(frame.columns)}",
                f"the variables {[v.name for v in self.variables]}",
                "give both the same names in the same order",
            )
        for name, dtype in frame.dtypes.items():
            if dtype != np.float64:
                raise refusal(DataError, f"{self.title}, column {name!r}", "64-bit floats", f"{dtype}", "turn it into numbers")
        infinite = np.argwhere(np.isinf(frame.to_numpy()))
        if len(infinite):
            row, column = infinite[0]
            raise refusal(
                DataError,
                self.title,
                "finite values",
                (
                    f"{len(infinite)} infinite values, the first in column {frame.columns[column]!r}, authority {frame.index[row][0]!r}, year "
                    f"{frame.index[row][1]}"
                ),
                "leave the cell empty if it is not known",
            )
        if not frame.index.is_monotonic_increasing:
            object.__setattr__(self, "frame", frame.sort_index())
        missing = frame.index.unique("authority").difference(self.places.index)
        if len(missing) or "name" not in self.places:
            raise refusal(DataError, f"{self.title}: places", "a name for every authority", f"none for {list(missing[:5])}", "add them")
        if list(self.reasons.index.names) != ["authority", "year", "variable"]:
            raise refusal(
                DataError, f"{self.title}: reasons", "an index of (authority, year, variable)", f"{list(self.reasons.index.names)}", "set these three"
            )
        if self.population is not None and self.population not in frame:
            raise refusal(DataError, self.title, "a column that is the population", repr(self.population), suggest(self.population, self.names))

    @property
    def names(self) -> tuple[str, ...]:
        """Column names, in order."""
        return tuple(str(name) for name in self.frame.columns)

    @property
    def known(self) -> tuple[str, ...]:
        """What a graph may hold as measured: the columns, and `region` where places have one."""
        regions = self.places["region"] if "region" in self.places and "region" not in self.names else pd.Series([], dtype=object)
        return (*self.names, *(["region"] if regions[regions != ""].nunique() > 1 else []))

    @property
    def authorities(self) -> tuple[str, ...]:
        """Authority codes, sorted."""
        return tuple(self.frame.index.unique("authority"))

    @property
    def years(self) -> tuple[int, ...]:
        """Years, sorted."""
        return tuple(int(year) for year in sorted(self.frame.index.unique("year")))

    def load(self) -> Panel:
        """Itself: a panel is a source, so that one in memory stands where a file would."""
        return self

    def variable(self, name: str) -> Variable:
        """The `Variable` of a column.

        Raises
        ------
        DataError : no such column; the message names the nearest.
        """
        for variable in self.variables:
            if variable.name == name:
                return variable
        raise refusal(DataError, self.title, "a column that it has", repr(name), suggest(name, self.names))

    def shift(self, name: str, by: int) -> pd.Series:
        """The column as it stood `by` years later (negative: earlier), on this panel's rows; NaN where there is none.

        Years are matched as numbers, so a missing year never lets a later one slip into its place.

        Parameters
        ----------
        name : the column.
        by : years.

        Returns
        -------
        values : shape (authority-years,), in the column's unit.

        Raises
        ------
        DataError : no such column.
        """
        self.variable(name)
        column = self.frame[name]
        if by == 0:
            return column
        authority = self.frame.index.get_level_values("authority")
        year = self.frame.index.get_level_values("year") + by
        wanted = pd.MultiIndex.from_arrays([authority, year], names=["authority", "year"])
        return pd.Series(column.reindex(wanted).to_numpy(), index=self.frame.index, name=name)

    def with_column(self, values: pd.Series, variable: Variable) -> Panel:
        """A panel with one column more, or one replaced, aligned on (authority, year).

        Parameters
        ----------
        values : indexed by (authority, year), in the unit of `variable`; rows that it lacks become NaN.
        variable : what the column holds; its name says which column it replaces.
        """
        frame = self.frame.copy()
        frame[variable.name] = values.reindex(frame.index).astype(float)
        kept = [v for v in self.variables if v.name != variable.name]
        at = next((i for i, v in enumerate(self.variables) if v.name == variable.name), len(kept))
        return replace(self, frame=frame, variables=(*kept[:at], variable, *kept[at:]))

    def subset(self, *, authorities: Iterable[str] | None = None, years: Iterable[int] | None = None) -> Panel:
        """The rows of some authorities, some years, or both.

        Parameters
        ----------
        authorities : codes; None keeps all.
        years : those kept; None keeps all.

        Raises
        ------
        DataError : no rows are left.
        """
        keep = np.ones(len(self.frame), dtype=bool)
        if authorities is not None:
            keep &= self.frame.index.get_level_values("authority").isin(list(authorities))
        if years is not None:
            keep &= self.frame.index.get_level_values("year").isin(list(years))
        frame = self.frame[keep]
        said = self.reasons.droplevel("variable").index.isin(frame.index)
        return replace(self, frame=frame, reasons=self.reasons[said])

    def marks(self, name: str) -> dict[str, int]:
        """How many numbers of a column are missing for each reason that the source gives, most first."""
        here = self.reasons[self.reasons.index.get_level_values("variable") == name]
        return {str(mark): int(n) for mark, n in here.value_counts().items()}

    def clusters(self, authorities: Sequence[str]) -> pd.Series:
        """Who moves together: the `cluster` of each authority, or the authority itself."""
        if "cluster" in self.places:
            return self.places["cluster"].reindex(list(authorities))
        return pd.Series(list(authorities), index=list(authorities))

    @property
    def digest(self) -> str:
        """SHA-256 of the values, their places and their names; the same data give the same digest on every machine."""
        sha = hashlib.sha256()
        sha.update("\x1f".join([self.title, *(f"{v.name}|{v.unit}" for v in self.variables)]).encode())
        sha.update("\x1f".join(self.frame.index.get_level_values("authority").astype(str)).encode())
        sha.update(np.ascontiguousarray(self.frame.index.get_level_values("year").to_numpy(), dtype="<i8").tobytes())
        sha.update(np.ascontiguousarray(np.where(self.frame.isna(), np.nan, self.frame) + 0.0, dtype="<f8").tobytes())
        sha.update(self.places.sort_index().to_csv().encode())
        if self.borders is not None:
            sha.update("\x1f".join(f"{a}|{b}" for a, b in self.borders).encode())
        return sha.hexdigest()
