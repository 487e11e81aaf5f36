"""What a file of rows of people holds, for who has it before them: how many, where, when, what is missing, how small the cells are. Not for publishing."""

from __future__ import annotations

from causal.disclosure import Disclosure
from causal.errors import DataError
from causal.sources.rows.reduce import WHOLE
from causal.sources.rows.source import Rows


def report(source: Rows) -> tuple[list[str], bool]:
    """Lines, and whether a panel comes of the rows.

    Parameters
    ----------
    source : the rows, with their columns named.

    Raises
    ------
    DataError : a file that cannot be read, or a column that is not there.
    """
    wanted, cells = source.cells()
    whole = cells[cells[WHOLE]]
    rows, kept = int(cells["n"].sum()), int(whole["n"].sum())
    years = sorted(whole["year"].dropna().unique().tolist())
    lines = [
        f"{source.title}: {rows:,} rows of {source.people}, {whole['authority'].nunique():,} authorities, "
        + (f"{len(years)} years from {int(years[0])} to {int(years[-1])}" if years else "no years")
    ]
    for name in dict.fromkeys((*wanted.whole, *wanted.outcomes)):
        lost = int(cells[f"missing {name}"].sum())
        lines.append(f"  {name}: {'none missing' if not lost else f'missing in {lost:,} rows ({lost / rows:.1%})'}")
    if kept < rows:
        lines.append(f"  {rows - kept:,} rows lack something that every row must have, and are left out")
    least = Disclosure().least
    small = whole[whole["n"] < least]
    if len(whole):
        of = f" and {', '.join(wanted.by)}" if wanted.by else ""
        lines.append(
            f"  cells of authority, year{of}: {len(whole):,}, of {int(whole['n'].median()):,} {source.people} in the middle; "
            f"{len(small):,} ({len(small) / len(whole):.0%}) hold fewer than {least}, with {int(small['n'].sum()):,} rows ({small['n'].sum() / kept:.1%})"
        )
    try:
        panel = source.panel_of(wanted, cells)
    except DataError as problem:
        return [*lines, f"problem: {problem}"], False
    lines += [f"  {note}" for note in panel.notes]
    taken = {*wanted.outcomes, *wanted.by, *wanted.covariates}
    of_places = [name for name in panel.names if name in wanted.places or name in wanted.means]
    lines.append(f"  columns of the place, any of which may be a treatment: {', '.join(name for name in of_places if name not in taken) or 'none'}")
    return lines, True
