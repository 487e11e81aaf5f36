"""Would this design have found it? Effects are planted, and estimator, checks and verdict run as they would on the real thing.

`main` is what `causal simulate` calls; it works as a script too: python experiments/simulate.py experiment=closures
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np

from causal.analysis import analyse
from causal.aside import alone
from causal.declared import MOST, MOST_WHOLE
from causal.document import read_text, writing
from causal.draws import stream
from causal.errors import CausalError, ConfigError, DataError, refusal
from causal.experiments.compose import checked_cluster, checked_runs, composed, recorded, study_from, trust
from causal.experiments.gate import how
from causal.experiments.run import checked_workers, writable
from causal.identification import Identification
from causal.knobs import is_number, is_whole, whole_number
from causal.panel import Panel
from causal.plant import Ground, ground
from causal.report.provenance import code_digest, digest_of
from causal.report.simulation import page, simulation_text, table
from causal.study import Study, must_have, run
from causal.verdict.decide import Gate
from causal.verdict.rule import CLASSES, ROWS
from causal.workers import spread

WORLDS = ("panel", "source")
MOST_BYTES = 500_000_000  # of draws
NUMBERS = ("effect", "std_error", "lower", "upper")
SAID = ("gate", "association", "row", "category", "certainty")  # of a draw's verdict


def main(
    words: Sequence[str],
    *,
    panels: int = 100,
    effects: Sequence[float] = (),
    worlds: str = "panel",
    folders: Sequence[Path] = (),
    trusted: Sequence[str] = (),
) -> int:
    """Plant, run, count; what is done is kept line by line, so that a call that was stopped goes on where it was.

    Parameters
    ----------
    words : overrides, as for `causal run`.
    panels : for each effect.
    effects : planted ones, outcome units; none takes 0, δ, 2δ and −2δ of the question's smallest important effect.
    worlds : "panel" plants in the study's own panel; "source" draws a new panel from a source that has `seed` and `truth` (simulated).
    folders : of one's own configurations.
    trusted : folders or modules of one's own classes.

    Raises
    ------
    CausalError : the study cannot be run at all.
    """
    whole_number("--panels", panels, 2, MOST_WHOLE)
    if worlds not in WORLDS:
        raise refusal(ConfigError, "--worlds", "panel or source", repr(worlds), "write one of the two")
    config = composed(list(words), [folder.resolve() for folder in folders])
    study = study_from(config, trust(trusted))
    smallest = study.question.smallest_important
    if worlds == "source":
        names = {one.name for one in fields(study.source)} if is_dataclass(study.source) else set()
        if not {"seed", "effect"} <= names or not hasattr(study.source, "truth"):
            raise refusal(
                ConfigError,
                "--worlds source",
                "a source with a seed, an effect and a truth (source=simulated)",
                "another",
                "leave it out to plant in your own panel",
            )
    wanted = [float(one) for one in effects] or [0.0, smallest, 2 * smallest, -2 * smallest]
    if len(set(wanted)) != len(wanted) or not all(np.isfinite(wanted)) or max(map(abs, wanted)) > MOST:
        raise refusal(ConfigError, "--effects", "different finite numbers", f"{', '.join(f'{one:g}' for one in wanted)}", "write  --effects 0 1")
    panel = study.source.load()
    must_have(study, panel)
    analysis = analyse(panel, study.question, study.graph, estimator=study.estimator, adjust_for=study.adjust_for)
    found, made = analysis.identification, analysis.must(": nothing to simulate")
    base = ground(panel, made) if worlds == "panel" else None
    plain, runs = recorded(config), checked_runs(how(config, "runs"))
    digest = digest_of({"config": plain, "data": panel.digest, "code": code_digest(), "worlds": worlds})
    home = runs / "simulations" / str(study.estimator.name) / digest[:12]
    workers = checked_workers(how(config, "workers"))
    with writable(runs):
        home.mkdir(parents=True, exist_ok=True)
    with alone(home, "a simulation of the same study", "wait until it is done, or name another folder with runs=FOLDER"), checked_cluster(config).opened():
        done = _through(study, found, base, wanted, panels, home / "draws.jsonl", runs, workers=workers)
    record = table(study, done, wanted=wanted, panels=panels, worlds=worlds, panel=panel)
    for name, text in (
        ("simulation.json", json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False)),
        ("simulation.md", simulation_text(record)),
        ("simulation.html", page(record)),
    ):
        with writing(home / name, f"runs={runs}", "free some room, or name another folder with runs=FOLDER") as part:
            part.write_text(text.rstrip() + "\n", encoding="utf-8", newline="\n")
    print(simulation_text(record))
    print(home)
    return 0


def _through(
    study: Study, found: Identification, base: Ground | None, wanted: Sequence[float], panels: int, path: Path, runs: Path, *, workers: int
) -> list[dict[str, Any]]:
    """Every draw that is wanted, those that were done before read from the file."""
    from tqdm import tqdm

    done = _kept(path, runs, planted=base is not None)
    pending = [(effect, draw) for draw in range(panels) for effect in wanted if (effect, draw) not in done]
    bar = tqdm(total=len(pending), desc="simulate", leave=False, delay=2, disable=not sys.stderr.isatty())
    with bar, writable(runs), path.open("a", encoding="utf-8") as file:
        for one in spread(partial(_one, study, found, base), pending, workers=workers):
            file.write(json.dumps(one, allow_nan=False) + "\n")  # in ASCII, so that a line that is cut is text all the same
            file.flush()
            done[one["planted"], one["draw"]] = one
            bar.update()
    return [done[effect, draw] for effect in wanted for draw in range(panels)]


def _kept(path: Path, runs: Path, *, planted: bool) -> dict[tuple[float, int], dict[str, Any]]:
    """The draws that earlier calls left, each once; lines that are none, as a call that was stopped leaves one, go, which is said."""
    with writable(runs):
        text = read_text(path, "draws", most=MOST_BYTES) if path.is_file() else ""
    done: dict[tuple[float, int], dict[str, Any]] = {}
    lines = text.split("\n")
    cut = []
    for at, line in enumerate(lines[:-1] if lines[-1] == "" else lines, 1):
        try:
            one = json.loads(line, object_pairs_hook=_once)
        except (ValueError, RecursionError):
            cut.append(at)
            continue
        where = f"{path}, line {at}"
        if not _is_draw(one) or (planted and one["truth"] != one["planted"]):
            raise refusal(DataError, where, "a draw as  causal simulate  writes it", line[:60], "take the line out, and it is drawn again")
        if done.setdefault((one["planted"], one["draw"]), one) != one:
            came = f"draw {one['draw']} of the planted effect {one['planted']:g} again, with other numbers"
            raise refusal(DataError, where, "each draw once", came, "take the lines of that draw out, and it is drawn again")
    if cut:
        came = f"{len(cut)} without one (line {', '.join(map(str, cut[:3]))}{' …' if len(cut) > 3 else ''})"
        print(f"! {refusal(DataError, str(path), 'a draw in each line', came, 'nothing is asked of you: what is missing is drawn again')}", file=sys.stderr)
    if cut or (text and not text.endswith("\n")):
        with writing(path, f"runs={runs}", "free some room, or name another folder with runs=FOLDER") as part:
            part.write_text("".join(f"{json.dumps(one, allow_nan=False)}\n" for one in done.values()), encoding="utf-8", newline="\n")
    return done


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A mapping that says each key once."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key twice")
    return dict(pairs)


def _is_draw(one: Any) -> bool:
    """Whether a line is a draw: what was planted, which draw, the truth, and what came of it."""
    if not isinstance(one, dict) or not (is_number(one.get("planted")) and is_whole(one.get("draw"), 0) and is_number(one.get("truth"))):
        return False
    if "refused" in one:
        return isinstance(one["refused"], str)
    if not all(key in one for key in (*NUMBERS, *SAID, "taken_away")) or not all(one[key] is None or is_number(one[key]) for key in NUMBERS):
        return False
    ends, checks = (one["lower"], one["upper"]), one.get("checks")
    ordered = ends == (None, None) or (None not in ends and ends[0] <= ends[1])
    names = one["gate"] in (None, *get_args(Gate)) and one["row"] in (None, *ROWS) and one["category"] in (None, *CLASSES)
    marks = isinstance(one["association"], bool) and isinstance(one["taken_away"], bool) and (one["certainty"] is None or is_whole(one["certainty"], 0, 3))
    looks = isinstance(checks, dict) and all(survived is None or isinstance(survived, bool) for survived in checks.values())
    return ordered and names and marks and looks and (one["std_error"] is None or one["std_error"] >= 0)


def _one(study: Study, found: Identification, base: Ground | None, effect: float, draw: int) -> dict[str, Any]:
    """One panel through estimator, checks and verdict; the same draw has the same signs or shocks under every effect."""
    rng = stream(study.seed, "simulate", draw)
    truth = effect
    try:
        if base is not None:
            panel: Panel = base.plant(effect, rng)
        else:
            source: Any = replace(study.source, effect=effect, seed=int(rng.integers(2**31)))  # type: ignore[type-var]
            panel = source.load()
            known = source.truth(study.question)
            truth = known.att if study.question.target == "ATT" else known.ate
        result = run(replace(study, baseline=None, beside=(), seed=int(rng.integers(2**31))), panel=panel, identification=found)
    except CausalError as refused:
        return {"planted": effect, "draw": draw, "truth": truth, "refused": str(refused)}
    assert result.estimate is not None
    one = result.estimate
    return {
        "planted": effect,
        "draw": draw,
        "truth": truth,
        "effect": one.effect,
        "std_error": one.std_error,
        "lower": one.lower,
        "upper": one.upper,
        **{key: getattr(result.verdict, key) for key in SAID},
        "taken_away": bool(result.verdict.failed),
        "checks": {check.name: check.survived for check in result.refutations},
    }


if __name__ == "__main__":
    from causal.cli import main as command_line

    sys.exit(command_line(["simulate", *sys.argv[1:]]))
