"""Before data are in: what a design of so many places can detect, how many it takes, and which places to choose for a pilot.

`main` is what `causal plan` calls.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from causal.document import writing
from causal.errors import ConfigError, refusal
from causal.knobs import whole_number
from causal.planning import Plan, choose, window
from causal.report.plan import beside, headline, page, record_of, told
from causal.report.provenance import digest_of


def main(
    kind: str,
    numbers: Mapping[str, Any],
    *,
    path: Path | None = None,
    authority: str = "authority",
    year: str = "year",
    outcome: str | None = None,
    until: int | None = None,
    number: int = 0,
    like: Sequence[str] = (),
    seed: int = 2019,
    to: Path | None = None,
) -> int:
    """Make the plan, write its page, say the answer; the last line printed is the folder.

    Parameters
    ----------
    kind : of design.
    numbers : of `Plan`, those that were given.
    path : a table whose earlier window says how the outcome spreads and lasts; None where all is declared.
    authority, year, outcome, until : its columns, and its last year.
    number, like : of places to choose for a pilot, and columns that they shall be alike in.
    seed : of the choosing.
    to : folder to write to.

    Raises
    ------
    CausalError : a number that cannot be, a table that cannot be read.
    """
    given = {key: value for key, value in numbers.items() if value is not None}
    chosen: dict[str, Any] | None = None
    if path is None and (number or outcome or until):
        raise refusal(ConfigError, "causal plan", "a table with --from, for --outcome, --until and --choose", "none", "write  --from FILE --outcome COLUMN")
    if path is not None:
        from causal.own_data import read

        if outcome is None:
            raise refusal(ConfigError, "causal plan --from", "the outcome's column", "none", "write  --outcome COLUMN")
        panel = read(path, authority=authority, year=year)
        seen = window(panel, outcome, until=until)
        there = {"sd": seen.sd, "lasting": seen.lasting, "autocorrelation": seen.autocorrelation, "icc": 1.0, "people": 1, "source": seen.words}
        given = {"places": seen.places} | there | given
        whole_number("--choose", number, 0)
        whole_number("--seed", seed, 0)
        if number:
            rng = np.random.default_rng([seed, number])
            chosen = asdict(choose(panel, outcome, number, like=like, until=until, rng=rng)) | {"seed": seed, "until": until}
    record = record_of(Plan(kind=kind, **given), chosen)  # type: ignore[arg-type]
    folder = to or Path("runs") / "plans" / f"{kind}-{digest_of(record)[:6]}"
    texts = {"plan.json": json.dumps(record, indent=1, ensure_ascii=False) + "\n", "plan.md": told(record), "plan.html": page(record)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise refusal(ConfigError, f"--to {folder}", "a folder to write to", type(problem).__name__, "name another folder") from problem
    for name, text in texts.items():
        with writing(folder / name, f"--to {folder}", "name another folder, or free some room") as part:
            part.write_text(text, encoding="utf-8", newline="\n")
    print(f"{headline(record)}.\n{beside(record)}")
    if chosen is not None:
        print(f"Places for a pilot: {', '.join(chosen['places'])}; the others stand for them to {chosen['fit']:.2f} standard deviations.")
    print(f"page: {folder / 'plan.html'}")
    print(folder)
    return 0
