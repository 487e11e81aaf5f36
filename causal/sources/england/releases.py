"""First release against later ones: what was revised, and for which years a number stands as first published."""

from __future__ import annotations

import numpy as np
import pandas as pd

from causal.sources.england.extract import ENGLAND
from causal.sources.england.folder import Folder
from causal.sources.england.numbers import groups
from causal.sources.england.publication import publications


def revised(folder: Folder) -> dict[str, tuple[pd.Series, float]]:
    """Quantity → change of England's total on the first release, in percent by year, and the largest of a single authority."""
    cells = folder.cells
    partial = {quantity for one in publications() if not one.whole for quantity in one.gives}  # partial lists of other days revise nothing
    quantities = cells["quantity"].cat.categories
    asked = np.isin(cells["quantity"].cat.codes, np.flatnonzero(~quantities.isin(list(partial)))) & cells["value"].notna().to_numpy()
    asked &= (cells["place"] != ENGLAND).to_numpy()
    quantity, place, year, released = (
        cells[name].cat.codes.to_numpy(np.int64)[asked] if name in ("quantity", "place") else cells[name].to_numpy()[asked]
        for name in ("quantity", "place", "year", "released")
    )
    one, at = groups(quantity, place, year, released)  # parts of one release add up
    total = np.bincount(one, weights=cells["value"].to_numpy(float)[asked], minlength=len(at))
    number, first = groups(quantity[at], place[at], year[at])  # groups come in order of their keys: releases, earliest first
    size = np.bincount(number, minlength=len(first))
    both = size > 1
    frame = pd.DataFrame({"quantity": quantity[at][first], "year": year[at][first], "first": total[first], "last": total[first + size - 1]})[both]
    out = {}
    for code, block in frame.groupby("quantity"):
        sums = block.groupby("year")[["first", "last"]].sum()
        most = ((block["last"] / block["first"].where(block["first"] > 0) - 1) * 100).abs().max()
        out[str(quantities[int(str(code))])] = (sums["last"] / sums["first"].where(sums["first"] > 0) - 1) * 100, float(most)
    return out


def released(folder: Folder, used: set[str]) -> list[str]:
    """For which years each of the quantities `used` stands as first published, and from when on in a later release, as sentences: numbers of two releases are
    not quite comparable.

    Parameters
    ----------
    folder : of published files.
    used : quantities behind the panel.
    """
    cells = folder.cells
    cells = cells[cells["quantity"].isin(used) & (cells["year"] > 0) & (cells["place"] != ENGLAND)]
    latest = cells.groupby(["quantity", "year"], observed=True)["released"].max().reset_index()
    same: dict[tuple[tuple[int, int], ...], list[str]] = {}
    there, alone = {(file.publication, quantity) for file in folder.files for quantity in file.gives}, list[str]()
    for quantity, block in latest.groupby("quantity", observed=True):
        at_first = block["released"] - block["year"] <= 1
        if at_first.all():
            if any(str(quantity) in each.gives and (each.key, str(quantity)) not in there for each in publications()):
                alone.append(f"{quantity}, {int(block['year'].min())} to {int(block['year'].max())}")
            continue
        turn = int(block["year"][~at_first].min())
        first, later = block["year"][block["year"] < turn], block["year"][block["year"] >= turn]
        if len(first):
            spans = tuple((int(years.min()), int(years.max())) for years in (first, later))
            same.setdefault(spans, []).append(str(quantity))
    only = [f"only as first published, since no later release of it is in this folder: {'; '.join(alone)}"] if alone else []
    return [
        *only,
        *(
            f"{', '.join(quantities)}: {first[0]} to {first[1]} as first published, {later[0]} to {later[1]} from later releases"
            for (first, later), quantities in same.items()
        ),
    ]
