"""Tables of borders and of a user's own groups: who borders whom, and who belongs with whom, by code.

A table of borders has two columns of codes. Each pair stands once, or every pair both ways; some both ways and others one way only is a table with rows
missing. Codes that the data do not have are left out and named; places of the data without a border (islands) are kept.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from causal.document import read_text
from causal.errors import DataError, refusal
from causal.groupings import FEWEST_GROUPS
from causal.words import count

LEFT, RIGHT = ("la_code", "authority", "code"), ("neighbour_code", "neighbour", "borders")
SHOWN = 5


def read_borders(path: str, codes: Mapping[str, str], names: Mapping[str, str] | None = None) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Pairs of authorities that share a border, each once, in order; and what is to be said of the table.

    Parameters
    ----------
    path : CSV with a column of codes and one of neighbours' codes (`la_code` and `neighbour_code`, `authority` and `neighbour`), or with two columns.
    codes : a code as printed → the authority of the data that it belongs to.
    names : authority → name, for islands; None: they go by their codes.

    Raises
    ------
    DataError : no such file or columns, pairs of which only some stand both ways, or no pair of which the data have both.
    """
    header, rows = _table(path, "source.borders")
    left, right = _column(header, LEFT), _column(header, RIGHT)
    if left is None or right is None:
        if len(header) != 2:
            raise refusal(
                DataError,
                f"source.borders: {path}",
                f"a column {LEFT[0]} (or {', '.join(LEFT[1:])}) and a column {RIGHT[0]} (or {', '.join(RIGHT[1:])}), or two columns in all",
                f"{', '.join(header)}",
                "name its columns so",
            )
        left, right = 0, 1
    printed = {(row[left].strip(), row[right].strip()) for row in rows if len(row) > max(left, right)}
    printed = {(a, b) for a, b in printed if a and b and a != b}
    back = {pair for pair in printed if pair[::-1] in printed}
    if back and back != printed:
        alone = sorted(printed - back)
        raise refusal(
            DataError,
            f"source.borders: {path}",
            "every pair both ways or one way, since a border has two sides",
            f"{count(len(back) // 2, 'pair')} both ways and {len(alone):,} one way only, like {alone[0][0]} → {alone[0][1]}",
            "give every pair both ways, or each pair once",
        )
    unknown = sorted({code for pair in printed for code in pair if code not in codes})
    made = {tuple(sorted((codes[a], codes[b]))) for a, b in printed if a in codes and b in codes and codes[a] != codes[b]}
    if not made:
        some = f"{', '.join(unknown[:SHOWN])} against {', '.join(sorted(codes)[:SHOWN])}" if unknown else "it has no pairs"
        raise refusal(DataError, f"source.borders: {path}", "a pair of two places of these data", f"none ({some})", "write the codes of the data")
    pairs = tuple(sorted((a, b) for a, b in made))
    notes = []
    if unknown:
        more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
        notes.append(f"borders: {count(len(unknown), 'code')} of {Path(path).name} not in these data, and left out: {', '.join(unknown[:SHOWN])}{more}")
    islands = sorted(set(codes.values()) - {code for pair in pairs for code in pair})
    if islands:
        more = f" and {len(islands) - SHOWN} more" if len(islands) > SHOWN else ""
        notes.append(
            f"borders: {count(len(islands), 'place')} without any, and kept: {', '.join((names or {}).get(code, code) for code in islands[:SHOWN])}{more}"
        )
    return pairs, tuple(notes)


def read_groups(path: str, codes: Mapping[str, str]) -> dict[str, str]:
    """Authority → its group, from a CSV of two columns: a code, and the group.

    Parameters
    ----------
    path, codes : as in `read_borders`.

    Raises
    ------
    DataError : no such file or columns, a place in two groups, or groups that say nothing.
    """
    header, rows = _table(path, "source.groups")
    if len(header) != 2:
        raise refusal(DataError, f"source.groups: {path}", "two columns, the code and its group", f"{', '.join(header)}", "leave out the others")
    found: dict[str, str] = {}
    for row in rows:
        code, group = row[0].strip(), row[1].strip() if len(row) > 1 else ""
        if code not in codes or not group:
            continue
        if found.setdefault(codes[code], group) != group:
            raise refusal(
                DataError, f"source.groups: {path}", "each place in one group", f"{code} in two, {found[codes[code]]} and {group}", "take it out of one"
            )
    if wrong := groups_wrong(found, sorted(set(codes.values()))):
        raise refusal(
            DataError, f"source.groups: {path}", "groups that say something", f"ones that do not: {wrong}", "name other groups, or leave source.groups out"
        )
    return found


def groups_wrong(found: Mapping[str, str], authorities: Sequence[str]) -> str | None:
    """What is wrong with a user's own groups, as the end of a message; None where nothing is.

    Parameters
    ----------
    found : authority → group, "" where not known.
    authorities : of the data.
    """
    known = [found[code] for code in authorities if found.get(code)]
    names = set(known)
    if not known:
        return "no place of these data has a group"
    if len(names) == len(known):
        return f"each of {count(len(known), 'place')} is a group of its own, so that none has another to share with; give wider groups, or null"
    if len(names) == 1:
        return f"all {count(len(known), 'place')} are in the one group {known[0]!r}, and what all share is in the years' effects; give narrower groups, or null"
    if len(names) < FEWEST_GROUPS:
        return f"{len(names)} groups are too few; at least {FEWEST_GROUPS} are wanted to learn what they share. Give narrower groups, or null"
    return None


def _table(path: str, knob: str) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a CSV."""
    text = read_text(Path(path).expanduser(), f"{knob}, a CSV file", kind=DataError)
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline="")) if any(cell.strip() for cell in row)]
    except csv.Error as problem:
        raise refusal(DataError, f"{knob}, {path}", "a CSV file", "one whose cells cannot be told apart", "look at its quotes, or save it again") from problem
    if len(rows) < 2:
        raise refusal(DataError, f"{knob}: {path}", "a heading and at least one row", f"{count(len(rows), 'row')}", "fill it, or leave it out")
    return [cell.strip() for cell in rows[0]], rows[1:]


def _column(header: Sequence[str], names: Sequence[str]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)
