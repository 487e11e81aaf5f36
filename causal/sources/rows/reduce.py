"""Rows of people into cells: what least squares needs of them, and not one row more.

With authority and year effects absorbed and errors by authority, the fit of the rows is told wholly by sums over each authority, year and pattern of
characteristics: how many, the sum of each outcome (with weights: of the weights and of weight × outcome), and of characteristics that are held fixed in a
straight line their sums and products, since X′X = Σ n_c x_c x_c′, X′y = Σ x_c S_c, and the score of an authority is Σ x_c (S_c − n_c x_c′β) (Wooldridge 2003,
Cluster-sample methods in applied econometrics; Wong, Lewis & Wardrop 2021, You only compress once). One function of Narwhals says so, and whatever holds
the rows (DuckDB, pandas, Arrow, Spark, a warehouse) adds up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from causal.errors import ConfigError, DataError, refusal, suggest

if TYPE_CHECKING:
    import pandas as pd

WHOLE = "_whole"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which columns of the rows are what.

    Parameters
    ----------
    authority, year : who and when.
    by : characteristics whose patterns are kept apart.
    outcomes : means of which are wanted.
    weights : how much each person counts; None: all alike.
    covariates : characteristics that are held fixed in a straight line.
    means : columns of people that become a mean of the authority and year.
    places : columns of the authority and year, the same for all its people.
    texts : columns of words of the authority (its name, its region).
    """

    authority: str
    year: str
    by: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    weights: str | None = None
    covariates: tuple[str, ...] = ()
    means: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()

    @property
    def whole(self) -> tuple[str, ...]:
        """Columns without which a row of a person is left out."""
        # sums of products are of one set of rows, so with a straight line every outcome has to be there
        return (self.authority, self.year, *self.by, *([self.weights] if self.weights else []), *self.covariates, *(self.outcomes if self.covariates else ()))

    @property
    def columns(self) -> tuple[str, ...]:
        """All that is read, each once."""
        return tuple(dict.fromkeys((*self.whole, *self.outcomes, *self.means, *self.places, *self.texts)))


def kinds(table: Any, title: str) -> dict[str, str]:
    """Each column of a table, and whether it holds a "number", "truth", "text" or something "else".

    Parameters
    ----------
    table : any that Narwhals knows.
    title : what it is called in an error.

    Raises
    ------
    DataError : no table that Narwhals knows.
    ConfigError : the extra is not installed.
    """
    try:
        import narwhals as nw
    except ModuleNotFoundError as problem:
        raise refusal(ConfigError, "source", "narwhals, which adds rows up", "none installed", "install the extra  causal-prevention[rows]") from problem
    try:
        schema = nw.from_native(table).collect_schema()
    except TypeError as problem:
        raise refusal(
            DataError, title, "a table that Narwhals knows, such as one of DuckDB, Arrow or Spark", type(table).__name__, "return one of these"
        ) from problem

    def kind(dtype: Any) -> str:
        if dtype.is_numeric():
            return "number"
        return "truth" if dtype == nw.Boolean else "text" if dtype in (nw.String, nw.Categorical, nw.Object) or isinstance(dtype, nw.Enum) else "else"

    return {name: kind(dtype) for name, dtype in schema.items()}


def reduced(table: Any, wanted: Wanted, shifts: Mapping[str, float] | None = None) -> pd.DataFrame:
    """The rows added up in their own engine: one row for each authority, year and pattern, and one for what was left out of each.

    Parameters
    ----------
    table : any that Narwhals knows, a row for each person.
    wanted : its columns.
    shifts : covariate → a number near its mean, taken off before anything is squared.

    Returns
    -------
    cells : columns `authority`, `year`, those of `by`, `_whole` (False: rows that lack something) and `n`; `n NAME` and `sum NAME` of each outcome and
        mean, `weight NAME` where there are weights; `sum X`, `product X Z` and `product X NAME` of covariates; `least NAME`, `most NAME` and `n NAME` of a
        column of the place; `missing NAME` of every column that a row must have.
    """
    import narwhals as nw

    frame = nw.from_native(table).lazy().select(*wanted.columns)
    schema = frame.collect_schema()

    def known(name: str) -> Any:
        """Whether a cell holds something, a NaN being nothing."""
        here = ~nw.col(name).is_null()
        return here & ~nw.col(name).is_nan() if schema[name].is_float() else here

    def number(name: str) -> Any:
        return nw.when(known(name)).then(nw.col(name).cast(nw.Float64))

    whole = nw.all_horizontal(*(known(name) for name in wanted.whole), ignore_nulls=False)
    keys = {"authority": nw.col(wanted.authority).cast(nw.String), "year": number(wanted.year)}
    keys |= {f"by {name}": nw.col(name) for name in wanted.by}
    weight = None if wanted.weights is None else number(wanted.weights)
    away = {name: number(name) - (shifts or {}).get(name, 0.0) for name in wanted.covariates}

    def weighed(value: Any) -> Any:
        return value if weight is None else value * weight

    columns: dict[str, Any] = {}
    if weight is not None:
        columns["below 0"] = nw.when(weight < 0).then(nw.lit(1.0))
    for name in wanted.outcomes:
        columns[f"n {name}"] = nw.when(known(name)).then(nw.lit(1.0))
        columns[f"sum {name}"] = weighed(number(name))
        if weight is not None:
            columns[f"weight {name}"] = nw.when(known(name)).then(weight)
    for name in wanted.means:
        columns[f"n {name}"] = weighed(nw.when(known(name)).then(nw.lit(1.0)))
        columns[f"sum {name}"] = weighed(number(name))
    for i, (name, value) in enumerate(away.items()):
        columns[f"sum {name}"] = weighed(value)
        for other, beside in list(away.items())[i:]:
            columns[f"product {name} {other}"] = weighed(value * beside)
        for outcome in wanted.outcomes:
            columns[f"product {name} {outcome}"] = weighed(value * number(outcome))
    place = {f"place {name}": number(name) for name in wanted.places} | {f"text {name}": nw.col(name).cast(nw.String) for name in wanted.texts}
    absent = {f"missing {name}": nw.when(~known(name)).then(nw.lit(1.0)).otherwise(nw.lit(0.0)) for name in dict.fromkeys((*wanted.whole, *wanted.outcomes))}
    wide = frame.select(
        whole.alias(WHOLE),
        nw.lit(1.0).alias("one"),
        *(value.alias(name) for name, value in (keys | columns | place | absent).items()),
    )
    # a pattern is of whole rows; what is left out is counted by authority and year, so that half-known patterns do not multiply
    if wanted.by:
        wide = wide.with_columns(*(nw.when(nw.col(WHOLE)).then(nw.col(f"by {name}")).alias(f"by {name}") for name in wanted.by))
    sums = [nw.col(name).sum().alias(name) for name in (*columns, *absent)]
    ends = [
        end for name in wanted.places for end in (nw.col(f"place {name}").min().alias(f"least {name}"), nw.col(f"place {name}").max().alias(f"most {name}"))
    ]
    words = [end for name in wanted.texts for end in (nw.col(f"text {name}").min().alias(f"first {name}"), nw.col(f"text {name}").max().alias(f"last {name}"))]
    cells = wide.group_by(*keys, WHOLE, drop_null_keys=False).agg(nw.col("one").sum().alias("n"), *sums, *ends, *words)
    made: pd.DataFrame = cells.collect().to_pandas()
    made[WHOLE] = made[WHOLE].astype(bool)
    return made.sort_values([*(name for name in keys), WHOLE], kind="stable", ignore_index=True)


def near_means(table: Any, names: Sequence[str]) -> dict[str, float]:
    """A number near the mean of each column, of three digits, so that squares about it lose nothing to rounding and every engine takes the same.

    Parameters
    ----------
    table : any that Narwhals knows.
    names : columns.
    """
    import narwhals as nw

    if not names:
        return {}
    frame = nw.from_native(table).lazy()
    schema = frame.collect_schema()
    known = {name: ~nw.col(name).is_nan() if schema[name].is_float() else ~nw.col(name).is_null() for name in names}
    wide = frame.select(*(nw.when(known[name]).then(nw.col(name).cast(nw.Float64)).alias(name) for name in names))
    found = wide.select(*(nw.col(name).mean() for name in names)).collect().to_pandas().iloc[0]
    return {name: float(f"{found[name]:.3g}") if found[name] == found[name] else 0.0 for name in names}


def must_hold(kind: Mapping[str, str], names: Sequence[str], title: str, knob: str, *, numbers: bool = False) -> None:
    """Columns must be there, and hold numbers where numbers are wanted.

    Parameters
    ----------
    kind : as `kinds` gives it.
    names : those that a knob names.
    title : of the table.
    knob : which.
    numbers : whether they must be numbers, or true and false.

    Raises
    ------
    DataError : one is not there, or holds words.
    """
    for name in names:
        if name not in kind:
            raise refusal(DataError, f"{title}: source.{knob}", "a column that it has", repr(name), f"take another: {suggest(name, kind)}")
        if numbers and kind[name] not in ("number", "truth"):
            wanted, remedy = "numbers, or true and false", "write them as numbers, 0 and 1 for no and yes"
            if knob == "year":
                wanted, remedy = "whole years", "write 2011 for the year that ends in it"
            raise refusal(DataError, f"{title}, column {name!r} (source.{knob})", wanted, "words", remedy)
