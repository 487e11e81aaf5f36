"""A result in a notebook: the first screen, ten lines, a table, a picture, a folder of files; all from the record that the command line writes."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from causal.errors import ConfigError, refusal, suggest
from causal.report import tables
from causal.report.figures.canvas import Drawing, titled
from causal.report.files import write as write_files
from causal.report.first import first
from causal.report.page import drawings
from causal.report.parts import render
from causal.report.provenance import provenance
from causal.report.record import plain, record
from causal.report.terminal import terminal_lines

if TYPE_CHECKING:
    import pandas as pd

    from causal.study import Result

LINES, TALL = 10, 760  # of a result in text; pixels of its first screen in a cell
CALL = "causal.run(study)"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A drawing of a result: it shows itself in a notebook, and `save` writes it as SVG.

    Parameters
    ----------
    name : estimates, steps, event_study, dose, power, graph, …
    alt : what it shows, in words.
    svg : the drawing, whole in itself.
    """

    name: str
    alt: str
    svg: str = dataclasses.field(repr=False)

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: str | Path) -> Path:
        """Write it; the file's path."""
        path = Path(path)
        path.write_text(self.svg, encoding="utf-8", newline="\n")
        return path


def lines(result: Result) -> str:
    """The answer as the terminal has it, in at most ten lines, without a folder."""
    said = terminal_lines(_data(result), Path())[:-2]
    return "\n".join(said if len(said) <= LINES else [*said[: LINES - 1], f"{said[LINES - 1]} …"])


def screen(result: Result) -> str:
    """The first screen of the report, in a frame of its own, so that neither its style nor the notebook's reaches the other."""
    data = _data(result)
    page = render("cell.html", {"title": data["title"], "simulated": data["source"]["simulated"], "first": first(data)})
    return (
        f'<iframe srcdoc="{html.escape(page)}" title="{html.escape(data["title"])}: the answer" sandbox="" '
        f'style="width:100%;height:{TALL}px;border:0;resize:vertical"></iframe>'
    )


def frame(result: Result) -> pd.DataFrame:
    """Every effect with its interval, one row each: the answer, its parts, the comparison beside it, what checks estimated; the columns of effects.csv."""
    import pandas as pd

    made = tables.effects(_data(result))
    names = [column.name for column in made.columns]
    return pd.DataFrame([[row.get(name) for name in names] for row in made.rows], columns=names)


def picture(result: Result, name: str) -> Picture:
    """One figure of the report.

    Parameters
    ----------
    result : of a run.
    name : which; of those that this result has.

    Raises
    ------
    ConfigError : it has none of that name.
    """
    drawn: dict[str, Drawing] = {one.name: one for one in drawings(_data(result))}
    if name not in drawn:
        raise refusal(ConfigError, "this result", "a figure that it has", repr(name), suggest(name, drawn))
    return Picture(name=name, alt=drawn[name].alt, svg=titled(drawn[name]))


def write(result: Result, folder: str | Path) -> Path:
    """All files of a run into a folder that is made if need be.

    Raises
    ------
    ConfigError : the folder holds something already.
    """
    import yaml

    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise refusal(
            ConfigError, str(folder), "a new folder, or an empty one, since nothing is written over", "one that holds something", "name another folder"
        )
    made = _provenance(result)
    write_files(result, folder, made, yaml.safe_dump(made["config"], allow_unicode=True, sort_keys=False, width=120))
    return folder


def settings(value: Any) -> Any:
    """A part as plain values: its class and its knobs, as a configuration has them; data is named by title and digest."""
    from causal.panel import Panel

    if isinstance(value, Panel):
        return {"_target_": "causal.Panel", "title": value.title, "digest": value.digest}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kind = type(value)
        inside = {field.name: settings(getattr(value, field.name)) for field in dataclasses.fields(value) if field.init}
        return {"_target_": f"{kind.__module__}.{kind.__qualname__}", **inside}
    if isinstance(value, Mapping):
        return {str(key): settings(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [settings(inner) for inner in (sorted(value) if isinstance(value, set | frozenset) else value)]
    try:
        return plain(value)
    except TypeError:  # an object of the user's own: by its class
        return {"_target_": f"{type(value).__module__}.{type(value).__qualname__}"}


def _data(result: Result) -> dict[str, Any]:
    return record(result, _provenance(result))


def _provenance(result: Result) -> dict[str, Any]:
    study = result.study
    times = {"started": datetime.now(UTC).isoformat(timespec="seconds"), "seconds": {name: round(s, 3) for name, s in result.seconds.items()}}
    made = provenance(config=settings(study), command=(), seed=study.seed, data=result.panel.digest, times=times)
    return {**made, "command": CALL}
