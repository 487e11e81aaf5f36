"""Rows of people as a panel: one row an authority-year, or an authority, year and pattern of characteristics, with the people behind each.

Nothing that is estimated from the panel differs from the fit of the rows (`causal.sources.rows.reduce` says why), and no row of a person leaves the engine.
A characteristic held fixed in a straight line varies within a cell, so that its mean does not tell all. Such a cell stands as 2k rows of equal weight, two for
each of k directions of its scatter, at its mean plus and minus a step: their means, squares and products with the outcome are those of the people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from causal.errors import ConfigError, DataError, refusal, suggest
from causal.knobs import listed
from causal.panel import Loss, Panel, Variable
from causal.sources.machinery.narrow import checked, narrow
from causal.sources.rows.engine import ENGINES, opened, said
from causal.sources.rows.reduce import WHOLE, Wanted, kinds, must_hold, near_means, reduced
from causal.words import count

if TYPE_CHECKING:
    import pandas as pd

DESCRIBES = ("label", "short", "unit", "source", "definition", "counts", "comparative", "unmoved", "rounding")
APART = " · "  # between an authority and a pattern
SAME = 1e-9  # share of a number by which two people of one authority and year may differ in what is the place's


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows of people, reduced to authorities and years in the engine that holds them.

    Parameters
    ----------
    path : a Parquet or CSV file, or a folder of either; None where `table` is given.
    table : a table that Narwhals knows, or a class of one's own that has one as its `table()`; None where `path` is given.
    authority, year : columns that say where and when.
    outcome : column or columns whose means are wanted.
    by : characteristics (columns of few values) whose patterns are kept apart; [] gives one row an authority-year.
    covariates : characteristics held fixed in a straight line.
    weights : column that says how much each person counts; None: all alike.
    means : columns of people that become their authority's mean of the year (the share treated).
    per : people that an outcome of 0 and 1 is counted in (10000: per 10,000).
    people : what the people are, in the plural.
    name, region : columns with the authority's name and region, or None.
    variables : name → {label, short, unit, source, definition, counts, comparative, unmoved, rounding}, all optional.
    weigh : whether an authority-year counts by its people; False: all alike.
    engine : "duckdb", or "pandas" where all rows fit into memory; a table brings its own.
    keep_regions : names of regions to keep, [] for all.
    first_year, last_year : years to keep, both included; None: from the first, to the last.
    """

    path: str | None = None
    table: Any = None
    authority: str = "authority"
    year: str = "year"
    outcome: str | Sequence[str] = ()
    by: Sequence[str] = ()
    covariates: Sequence[str] = ()
    weights: str | None = None
    means: Sequence[str] = ()
    per: float = 1
    people: str = "people"
    name: str | None = None
    region: str | None = None
    variables: Mapping[str, Mapping[str, Any]] | None = field(default_factory=dict)
    weigh: bool = True
    engine: str = "duckdb"
    keep_regions: Sequence[str] = ()
    first_year: int | None = None
    last_year: int | None = None

    def __post_init__(self) -> None:
        if self.path is not None and self.table is not None:
            raise refusal(ConfigError, "source", "source.path (a file or folder of rows), or source.table", "both", "take one of them away")
        if self.path is not None:
            object.__setattr__(self, "path", str(self.path))
        object.__setattr__(self, "outcome", (self.outcome,) if isinstance(self.outcome, str) else listed("source.outcome", self.outcome))
        for knob in ("by", "covariates", "means"):
            object.__setattr__(self, knob, listed(f"source.{knob}", getattr(self, knob) or ()))
        if self.engine not in ENGINES:
            raise refusal(ConfigError, "source.engine", f"one of {', '.join(ENGINES)}", repr(self.engine), "write one of them")
        if isinstance(self.per, bool) or not isinstance(self.per, int | float) or not self.per > 0:
            raise refusal(ConfigError, "source.per", "a number of people above 0", repr(self.per), "write  source.per=10000")
        object.__setattr__(self, "variables", {str(name): _described(str(name), one) for name, one in dict(self.variables or {}).items()})
        object.__setattr__(self, "keep_regions", checked(self.keep_regions, self.first_year, self.last_year))
        roles = [self.authority, self.year, *self.outcome, *self.by, *self.covariates, *self.means, *([self.weights] if self.weights else [])]
        if twice := [one for one in roles if roles.count(one) > 1]:
            raise refusal(ConfigError, "source", "each column in one place", f"{twice[0]!r} in two", "take it out of one of source.outcome, .by, .covariates …")

    @property
    def title(self) -> str:
        """What the rows are called."""
        return Path(self.path).name if self.path is not None else f"table of {type(self.table).__name__}"

    def load(self) -> Panel:
        """The panel that the rows add up to.

        Raises
        ------
        DataError : a file that cannot be read, a column that is not there, patterns finer than the rows are many.
        """
        wanted, cells = self.cells()
        return self.panel_of(wanted, cells)

    def cells(self) -> tuple[Wanted, pd.DataFrame]:
        """Which columns are what, and the rows added up, as `reduced` gives them: for the panel and for `causal check`; never a thing to publish.

        Raises
        ------
        DataError : a file that cannot be read, or a column that is not there.
        """
        with self._opened() as table:
            wanted = self._wanted(table)
            shifts = near_means(table, wanted.covariates)
            cells = reduced(table, wanted, shifts)
        for name, shift in shifts.items():
            cells[f"shift {name}"] = shift
        return wanted, cells

    def missing(self, name: str) -> str:
        """Why a column that a study asks for is not in the panel: where the file has it, because it differs between people of one authority and year."""
        with self._opened() as table:
            kind = kinds(table, self.title)
            if kind.get(name) not in ("number", "truth"):
                return f"write it into the rows: they have {suggest(name, kind)}"
            wanted = Wanted(authority=self.authority, year=self.year, places=(name,))
            cells = reduced(table, wanted)
        cells = cells[cells[WHOLE]]
        apart = cells[_differs(cells, name)]
        if not len(apart):
            return f"it is {name!r}, which source.outcome, source.by or source.covariates has taken"
        return (  # of people, so that no value and no place is named
            f"it varies within {count(len(apart), 'authority-year')}, and what was done to people, not to places, is no treatment of an authority and year; "
            f"ask of the share or mean of each authority and year with  'source.means=[{name}]'"
        )

    def _opened(self) -> AbstractContextManager[Any]:
        # asked here, so that a class without knobs can be made and looked at
        if not self.outcome:
            raise refusal(ConfigError, "source.outcome", "a column whose mean is wanted, or several", "none", "write  source.outcome=on_plan")
        if self.path is not None:
            return opened(Path(self.path), self.engine)
        if self.table is None:
            raise refusal(ConfigError, "source", "source.path (a file or folder of rows), or source.table", "neither", "write  source.path=children.parquet")
        table = self.table.table() if callable(getattr(self.table, "table", None)) and not hasattr(self.table, "columns") else self.table
        return _Told(table, self.title)

    def _wanted(self, table: Any) -> Wanted:
        kind = kinds(table, self.title)
        for knob in ("authority", "year"):
            if getattr(self, knob) not in kind:
                what = "that says whose row it is" if knob == "authority" else "of years"
                has = ", ".join(list(kind)[:12])
                raise refusal(
                    DataError,
                    f"{self.title}: source.{knob}",
                    f"a column {what}",
                    f"none called {getattr(self, knob)!r} (it has {has})",
                    f"write  source.{knob}=COLUMN ; rows of people without it cannot be compared over places and time",
                )
        must_hold(kind, self.outcome, self.title, "outcome", numbers=True)
        must_hold(kind, self.by, self.title, "by")
        for knob in ("covariates", "means"):
            must_hold(kind, getattr(self, knob), self.title, knob, numbers=True)
        for knob in ("weights", "name", "region"):
            if (one := getattr(self, knob)) is not None:
                must_hold(kind, [one], self.title, knob, numbers=knob == "weights")
        must_hold(kind, [self.year], self.title, "year", numbers=True)
        for name in kind:
            if name in ("authority", "year", "effect", self._counted) and kind[name] in ("number", "truth") and name not in (self.authority, self.year):
                other = "rename it, or say what the people are:  source.people=WORD" if name == self._counted else "rename it"
                raise refusal(DataError, self.title, "columns with names of their own", f"{name!r}, which the added rows have for themselves", other)
        taken = {self.authority, self.year, *self.outcome, *self.by, *self.covariates, *self.means, self.weights, self.name, self.region}
        places = tuple(name for name, one in kind.items() if one in ("number", "truth") and name not in taken)
        return Wanted(
            authority=self.authority,
            year=self.year,
            by=tuple(self.by),
            outcomes=tuple(self.outcome),
            weights=self.weights,
            covariates=tuple(self.covariates),
            means=tuple(self.means),
            places=places,
            texts=tuple(one for one in (self.name, self.region) if one is not None),
        )

    def panel_of(self, wanted: Wanted, cells: pd.DataFrame) -> Panel:
        """The panel of rows that have been added up.

        Parameters
        ----------
        wanted, cells : as `cells` gives them.

        Raises
        ------
        DataError : nothing is whole, weights or years that are none, patterns finer than the rows are many.
        """
        import pandas as pd

        log = _losses(wanted, cells)
        rows = int(cells["n"].sum())
        cells = cells[cells[WHOLE]].reset_index(drop=True)
        if not len(cells):
            raise refusal(DataError, self.title, f"rows with {', '.join(wanted.whole)}", f"none among {rows:,}", "look whether these columns are filled")
        if self.weights is not None and (below := int(cells["below 0"].sum())):
            raise refusal(DataError, f"{self.title}: source.weights", "numbers of at least 0", f"{count(below, 'row')} below 0", "leave those rows out")
        if (cells["year"] % 1 != 0).any():
            raise refusal(DataError, f"{self.title}: source.year", "whole years", "a part of one", "write 2011 for the year that ends in it")
        patterns = [f"by {name}" for name in wanted.by]
        levels = {name: sorted(cells[f"by {name}"].unique(), key=lambda value: (isinstance(value, str), value)) for name in wanted.by}
        if wanted.by:
            grid = cells["authority"].nunique() * cells["year"].nunique() * len(cells[patterns].drop_duplicates())
            if grid > rows:
                most = max(wanted.by, key=lambda name: len(levels[name]))
                raise refusal(
                    DataError,
                    f"{self.title}: source.by",
                    "patterns so broad that cells hold some people each",
                    f"{grid:,} cells of authority, year and pattern for {rows:,} rows ({most} alone has {len(levels[most]):,} values)",
                    "put values into bands, or hold it fixed in a straight line with  source.covariates",
                )
        unit = cells["authority"].astype(str)
        for name in wanted.by:
            unit = unit + APART + cells[f"by {name}"].astype(str)
        cells["unit"] = unit
        shared, varying = _of_places(wanted, cells)
        columns: dict[str, Any] = {}
        scale = {name: float(self.per) if _yes_or_no(cells, name) else 1.0 for name in wanted.outcomes}
        with np.errstate(invalid="ignore", divide="ignore"):
            for name in wanted.outcomes:
                columns[name] = scale[name] * cells[f"sum {name}"] / cells[f"weight {name}" if self.weights else f"n {name}"]
        columns |= {name: shared[name] for name in (*wanted.places, *wanted.means) if name not in varying}
        columns |= {name: cells[f"by {name}"].map({value: float(i) for i, value in enumerate(levels[name])}).astype(float) for name in wanted.by}
        columns |= {_people(name): cells[f"n {name}"] for name in wanted.outcomes}
        if self.weights:
            columns |= {_weight(name): cells[f"weight {name}"] for name in wanted.outcomes}
        columns[self._counted] = cells["n"]
        frame = pd.DataFrame(columns, dtype=float).replace([np.inf, -np.inf], np.nan)
        frame["authority"], frame["year"], frame["effect"] = cells["unit"], cells["year"].astype(int), cells["unit"]
        home = dict(zip(cells["unit"], cells["authority"], strict=True))
        if wanted.covariates:
            frame = _spread(frame, cells, wanted, scale, self._counts(wanted))
        places = self._places(wanted, cells, frame, home)
        counted = self._counts(wanted)
        frame = _every_year(frame, home, [name for name in (*wanted.places, *wanted.means) if name not in varying], wanted.by)
        frame = frame.drop(columns="effect").set_index(["authority", "year"]).sort_index()
        frame[counted] = frame[counted].where(frame[counted] > 0)  # nobody is no mean
        panel = Panel(
            frame=frame.astype(float),
            variables=tuple(self._variable(str(name), wanted, levels, scale) for name in frame.columns),
            places=places,
            title=self.title,
            population=self._counted,
            of_people=True,
            log=log,
            notes=tuple(self._notes(wanted, cells, varying)),
        )
        return narrow(panel, keep_regions=self.keep_regions, first_year=self.first_year, last_year=self.last_year, break_at=None)

    @property
    def _counted(self) -> str:
        """The column that counts the people of each row."""
        return "_".join(self.people.split()) or "people"

    def _counts(self, wanted: Wanted) -> list[str]:
        """Columns of people and of their weights: all, those with each outcome, their weights."""
        return [self._counted, *map(_people, wanted.outcomes), *(map(_weight, wanted.outcomes) if self.weights else ())]

    def _places(self, wanted: Wanted, cells: pd.DataFrame, frame: pd.DataFrame, home: Mapping[str, str]) -> pd.DataFrame:
        import pandas as pd

        of = frame.drop_duplicates("authority").set_index("authority")["effect"]
        authority = of.map(home)
        known = cells.groupby("authority")
        name = authority if self.name is None else authority.map(known[f"first {self.name}"].first())
        places = pd.DataFrame({"name": name.fillna("").astype(str)}, index=of.index)
        if wanted.by:
            places["name"] += of.map({unit: unit[len(str(home[unit])) :].replace(APART, ", ") for unit in home})
        if self.region is not None:
            places["region"] = authority.map(known[f"first {self.region}"].first()).fillna("").astype(str)
        if wanted.by or wanted.covariates:
            places["cluster"] = authority.astype(str)
        if wanted.covariates:
            places["effect"] = of.astype(str)
        return places

    def _variable(self, name: str, wanted: Wanted, levels: Mapping[str, Sequence[Any]], scale: Mapping[str, float]) -> Variable:
        plain = Variable(name=name, label=name.replace("_", " "), unit="units", source=self.title)
        if name in wanted.outcomes:
            per = scale[name]
            unit = f"per {per:,.0f} {self.people}" if per != 1 else f"mean over {self.people}"
            plain = replace(plain, unit=unit, count_per=per if per != 1 else None, row_count=_people(name) if self.weigh else None)
            plain = replace(plain, weight=_weight(name) if self.weigh and self.weights else None)
        elif name in wanted.by:
            plain = replace(plain, levels=tuple(str(value) for value in levels[name]), varies="authority")
        elif name in wanted.means:
            plain = replace(plain, definition=f"mean over the {self.people} of each authority and year")
        elif name in self._counts(wanted)[: len(wanted.outcomes) + 1]:
            plain = replace(plain, label=self.people, unit=self.people, counts="stock")
        return replace(plain, **(self.variables or {}).get(name, {}))

    def _notes(self, wanted: Wanted, cells: pd.DataFrame, varying: Mapping[str, int]) -> list[str]:
        what = f"Rows of {self.people}, added up by authority and year{' and ' + ', '.join(wanted.by) if wanted.by else ''}"
        notes = [f"{what}; a fit of the cells, weighed by the {self.people} in each, is the fit of the rows." if self.weigh else f"{what}."]
        if wanted.covariates:
            notes.append(f"Held fixed between {self.people} in a straight line: {', '.join(wanted.covariates)}; each cell stands as rows with their spread.")
        for name, some in varying.items():
            notes.append(f"{name} differs within {count(some, 'authority-year')}, so that it is none of the place's, and is left out.")
        return notes


def _differs(cells: pd.DataFrame, name: str) -> Any:
    """Which cells hold people that differ in a column."""
    most, least = (cells[f"{end} {name}"].to_numpy(dtype=float) for end in ("most", "least"))
    return most - least > SAME * np.maximum(np.abs(most), np.abs(least))


def _of_places(wanted: Wanted, cells: pd.DataFrame) -> tuple[dict[str, Any], dict[str, int]]:
    """Columns of the place, each shape (cells,), and those that differ between people of an authority and year, with in how many."""
    where = cells.groupby(["authority", "year"], sort=False)
    shared: dict[str, Any] = {}
    varying: dict[str, int] = {}
    for name in wanted.places:
        ends = cells[["authority", "year"]].assign(
            **{f"least {name}": where[f"least {name}"].transform("min"), f"most {name}": where[f"most {name}"].transform("max")}
        )
        differs = _differs(ends, name)
        if differs.any():
            varying[name] = len(ends[differs].drop_duplicates(["authority", "year"]))
        shared[name] = ends[f"least {name}"]
    for name in wanted.means:
        with np.errstate(invalid="ignore", divide="ignore"):
            shared[name] = where[f"sum {name}"].transform("sum") / where[f"n {name}"].transform("sum")
    return shared, varying


def _losses(wanted: Wanted, cells: pd.DataFrame) -> tuple[Loss, ...]:
    """People left out for what their rows lack, and outcomes that are not known."""
    gone = cells[~cells[WHOLE]]
    made = []
    if len(gone):
        lacks = [f"{name} in {int(gone[f'missing {name}'].sum()):,}" for name in dict.fromkeys(wanted.whole) if gone[f"missing {name}"].sum()]
        lacking = [piece.rsplit(" in ", 1)[0] for piece in lacks]
        made.append(Loss(step=f"people whose row lacks {', '.join(lacking)}", rows=int(gone["n"].sum()), people=True))
    kept = cells[cells[WHOLE]]
    made += [
        Loss(step=f"people whose {name} is not known", rows=int(lost), column=name, people=True)
        for name in wanted.outcomes
        if (lost := kept[f"missing {name}"].sum())
    ]
    return tuple(made)


def _yes_or_no(cells: pd.DataFrame, name: str) -> bool:
    """Whether a mean can be that of 0 and 1, and so be counted per so many people."""
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = cells[f"sum {name}"] / (cells[f"weight {name}"] if f"weight {name}" in cells else cells[f"n {name}"])
    return bool(((mean.isna()) | ((mean >= 0) & (mean <= 1 + 1e-12))).all())


def _every_year(frame: pd.DataFrame, home: Mapping[str, str], places: Sequence[str], by: Sequence[str]) -> pd.DataFrame:
    """The frame with a row for each pattern in every year of its authority.

    What is the place's is known there though nobody has the pattern, so that a treatment of the years before is found.
    """
    whose = frame["effect"].map(home)
    year = frame.assign(_home=whose).drop_duplicates(["_home", "year"])[["_home", "year", *places]]
    units = frame.assign(_home=whose).drop_duplicates("authority")[["authority", "effect", "_home", *by]]
    whole = units.merge(year, on="_home").drop(columns="_home")
    rest = [name for name in frame.columns if name not in whole.columns]
    return whole.merge(frame[["authority", "year", *rest]], on=["authority", "year"], how="left")[list(frame.columns)]


def _spread(frame: pd.DataFrame, cells: pd.DataFrame, wanted: Wanted, scale: Mapping[str, float], counted: Sequence[str]) -> pd.DataFrame:
    """Each cell as 2k rows of equal weight that have the means, scatter and products of its people; see the opening of this module."""
    import pandas as pd

    names, k = list(wanted.covariates), len(wanted.covariates)
    weight = cells[f"weight {wanted.outcomes[0]}" if wanted.weights else "n"].to_numpy(dtype=float)
    sums = cells[[f"sum {name}" for name in names]].to_numpy(dtype=float)
    scatter = np.empty((len(cells), k, k))
    for i, name in enumerate(names):
        for j, other in enumerate(names[i:], start=i):
            scatter[:, i, j] = scatter[:, j, i] = cells[f"product {name} {other}"].to_numpy() - sums[:, i] * sums[:, j] / weight
    values, vectors = np.linalg.eigh(scatter)
    values = np.where(values > 1e-12 * np.maximum(values.max(axis=1, keepdims=True), 0), values, 0.0)
    steps = vectors * np.sqrt(values)[:, None, :]  # columns u_j of the scatter's root
    shift = np.array([cells[f"shift {name}"].iloc[0] for name in names])
    made = []
    for j in range(k):
        for sign in (1.0, -1.0):
            part = frame.copy()
            far = sign * np.sqrt(k / weight)
            for i, name in enumerate(names):
                part[name] = shift[i] + sums[:, i] / weight + far * steps[:, i, j]
            for outcome in wanted.outcomes:
                products = cells[[f"product {name} {outcome}" for name in names]].to_numpy() - sums * (cells[f"sum {outcome}"].to_numpy() / weight)[:, None]
                with np.errstate(invalid="ignore", divide="ignore"):
                    along = np.where(values[:, j] > 0, np.einsum("ci,ci->c", steps[:, :, j], products) / values[:, j], 0.0)
                part[outcome] += far * along * scale[outcome]
            part[list(counted)] /= 2 * k
            part["authority"] = part["authority"] + f"{APART}{2 * j + (sign < 0) + 1}"
            made.append(part)
    return pd.concat(made, ignore_index=True)


def _people(name: str) -> str:
    return f"{name} people"


def _weight(name: str) -> str:
    return f"{name} weight"


def _described(name: str, given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise refusal(ConfigError, f"source.variables.{name}", "keys and values, such as {label: on a plan}", repr(given), "write it so")
    if unknown := [key for key in given if key not in DESCRIBES]:
        raise refusal(ConfigError, f"source.variables.{name}", "a key that it takes", repr(unknown[0]), suggest(str(unknown[0]), DESCRIBES))
    return dict(given)


class _Told(AbstractContextManager[Any]):
    """A table of the user's own while it is read: what its engine says becomes one refusal."""

    def __init__(self, table: Any, title: str) -> None:
        self._table = table
        self._said = said(Path(title), [], lambda _: None)

    def __enter__(self) -> Any:
        self._said.__enter__()
        return self._table

    def __exit__(self, *problem: Any) -> bool | None:
        return self._said.__exit__(*problem)
