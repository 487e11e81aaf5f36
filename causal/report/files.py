"""A run's folder: the record, and every page, table and figure made from it.

`write` saves the record and then does what `rebuild` does, so that a page made again years later is the same page.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from causal.report import breakdown, tables
from causal.report.controlled import untold
from causal.report.figures.canvas import titled
from causal.report.page import drawings, page
from causal.report.record import FILE, fitting, load, place, read, record, save, write_json
from causal.report.submission import submission
from causal.report.summary import summary
from causal.report.workbook import workbook

if TYPE_CHECKING:
    from causal.study import Result


def write(result: Result, folder: Path, provenance: Mapping[str, Any], config_yaml: str) -> None:
    """Everything about a result, into a folder that is made if need be.

    Parameters
    ----------
    result : of a run.
    folder : where.
    provenance : as `causal.report.provenance` gives it; a missing `config` is filled from `config_yaml`, so that the page can be made again from result.json
        alone.
    config_yaml : the resolved configuration.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(record(result, {**provenance, "config": provenance.get("config") or config_yaml}), folder / FILE)
    save(folder, [(place(folder, "config.yaml"), config_yaml), (place(folder, "influence.csv"), tables.influence(result, untold(result)))])
    rebuild(folder)


def rebuild(folder: Path) -> None:
    """Make every page, table and figure again from result.json; influence.csv and config.yaml are left as they are.

    Raises
    ------
    DataError : no readable result.json there.
    """
    folder = Path(folder)
    if "decomposition" in load(folder):
        return breakdown.rebuild(folder)
    data = read(folder)
    made: list[tuple[Path, str | bytes]] = []
    with fitting(folder):  # all that is written is made before anything is
        for table in (tables.effects(data), tables.refutations(data)):
            made += [(place(folder, f"{table.name}.csv"), table.csv), (place(folder, f"{table.name}.meta.csv"), table.meta)]
        drawn = drawings(data)
        made += [(place(folder, "figures", f"{one.name}.svg"), titled(one)) for one in drawn]
        made += [(place(folder, "summary.md"), summary(data)), (place(folder, "report.html"), page(data, drawn))]
        made += [(place(folder, "effects.xlsx"), workbook(data))]
        made += [(place(folder, "summary.docx"), submission(data, {one.name: one for one in drawn}.get("estimates")))]
    save(folder, made)
