"""A table of one's own, in a file or in memory, as a panel: what `source=table` is on the command line, from a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from causal.errors import ConfigError, refusal, suggest
from causal.panel import Panel
from causal.sources.table import Table

if TYPE_CHECKING:
    import pandas as pd

KNOBS = tuple(name for name in Table.__dataclass_fields__ if name not in ("path", "authority", "year", "variables"))


def read(
    table: pd.DataFrame | str | Path | Sequence[str | Path],
    *,
    authority: str | Mapping[str, str] = "authority",
    year: str | Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    variables: Mapping[str, Mapping[str, Any]] | None = None,
    title: str = "table",
    **knobs: Any,
) -> Panel:
    """A checked panel of a frame or a file; the numbers are those of `causal run source=table`, to the bit.

    Parameters
    ----------
    table : one row for each authority, or authority and year: a pandas frame (keys as columns or as levels of its index), a file (.csv, .parquet, .xlsx,
        .ods, .dta), or several files, joined on authority and year.
    authority, year : columns that say who and when; without `year` it is a cross-section.
    labels : variable → words for a reader ("children on protection plans"); others go by their names.
    units : variable → its unit ("per 10,000 children").
    variables : variable → more of it, as `source.variables` takes it (column, definition, least, most, …).
    title : what a frame is called; a file goes by its name.
    **knobs : any other of `source=table`: cluster, name, region, population, only, derived, pivot, combine, header, leave_out, …

    Returns
    -------
    panel : also a source of itself, so that it stands in `Study(source=panel)`.

    Raises
    ------
    DataError : everything that is wrong with the table, in one message.
    ConfigError : a knob that there is not, or a value that does not fit.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"place": ["A", "A", "B", "B"], "year": [2017, 2018] * 2, "plans": [40.0, 43.0, 51.0, 50.0]})
    >>> panel = read(table, authority="place", year="year", units={"plans": "per 10,000 children"})
    >>> panel.variable("plans").unit, panel.authorities
    ('per 10,000 children', ('A', 'B'))
    """
    if unknown := [name for name in knobs if name not in KNOBS]:
        raise refusal(
            ConfigError,
            "read",
            "an argument that it takes",
            repr(unknown[0]),
            suggest(unknown[0], (*KNOBS, "authority", "year", "labels", "units", "variables", "title")),
        )
    described = {name: dict(said) for name, said in (variables or {}).items()}
    for key, given in (("label", labels), ("unit", units)):
        for name, text in (given or {}).items():
            described.setdefault(name, {})[key] = text
    knobs |= {"authority": authority, "year": year, "variables": described}
    if hasattr(table, "columns") and hasattr(table, "index"):
        source = Table(path=title, **knobs)
        return source.or_told(*source.attempt(table), "arguments")  # type: ignore[arg-type]
    if isinstance(table, (str, Path)) or (isinstance(table, Sequence) and table and all(isinstance(one, (str, Path)) for one in table)):
        source = Table(path=str(table) if isinstance(table, (str, Path)) else [str(one) for one in table], **knobs)
        return source.or_told(*source.attempt(), "arguments")
    raise refusal(ConfigError, "read", "a pandas frame, a file or a list of files", f"{type(table).__name__}", "make a frame of it")
