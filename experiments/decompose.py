"""Take a finding apart: what an outcome's differences, its growth, an effect or a cost is made of.

`main` is what `causal decompose NAME` calls; it works as a script too: python experiments/decompose.py variation experiment=closures
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from causal.breakdown import Breakdown, Case, Judged
from causal.draws import stream
from causal.errors import CausalError, ConfigError, refusal, suggest
from causal.experiments.compose import checked_cluster, checked_runs, choices, composed, recorded, study_and_part, trust
from causal.experiments.gate import how, spoken
from causal.experiments.run import WHERE, as_yaml, checked_workers, write_atomically, written_to
from causal.panel import Panel
from causal.question import Question
from causal.report import breakdown as pages
from causal.report.provenance import digest_of, provenance
from causal.study import Study, run
from causal.verdict.rule import STEPS


def main(name: str, words: Sequence[str], *, folders: Sequence[Path] = (), trusted: Sequence[str] = ()) -> int:
    """Decompose and write what came of it; the last line printed is its folder.

    Parameters
    ----------
    name : of the decomposition on its shelf.
    words : overrides, as for `causal run`.
    folders : of one's own configurations.
    trusted : folders or modules of one's own classes.

    Raises
    ------
    CausalError : the input cannot be used.
    """
    from threadpoolctl import threadpool_limits

    folders = [folder.resolve() for folder in folders]
    known = choices("decomposition", folders)
    if name not in known:
        raise refusal(ConfigError, "causal decompose", "a decomposition that there is", repr(name), suggest(name, known))
    config = composed([f"decomposition={name}", *words], folders)
    study, decomposition = study_and_part(config, "decomposition", trust(trusted))
    plain, runs = recorded(config), written_to(checked_runs(how(config, "runs")))
    began, clock = datetime.now(UTC), time.perf_counter()
    with threadpool_limits(limits=1), checked_cluster(config).opened():  # two BLAS threads gave other bits
        panel = study.source.load()
        case = Case(
            panel=panel,
            question=study.question,
            graph=study.graph,
            estimator=study.estimator,
            action=study.action,
            source=study.source,
            adjust_for=study.adjust_for,
            seed=study.seed,
            workers=checked_workers(how(config, "workers")),
            progress=sys.stderr.isatty(),
            judge=partial(_judged, study, panel),
            shared=next((one for one in study.refuters.values() if one.role == "shared_shocks"), None),
        )
        made: Breakdown = decomposition.decompose(case, stream(study.seed, "decompose", name))
    flags = [word for flag, given in (("--config-dir", folders), ("--trust", trusted)) for one in given for word in (flag, str(one))]
    kept = [word for word in words if word.partition("=")[0] not in WHERE]
    record = provenance(
        config=plain,
        command=spoken(["causal", "decompose", name, *flags, *kept]),
        seed=study.seed,
        data=panel.digest,
        times={"started": began.isoformat(timespec="seconds"), "seconds": {"decompose": round(time.perf_counter() - clock, 3)}},
    )
    home, text = runs / "decompositions" / name, as_yaml(plain)
    folder = write_atomically(lambda partial: pages.write(made, panel, partial, record, text), runs, home, f"{began:%Y%m%dT%H%M%SZ}-{digest_of(plain)[:6]}")
    print(made.title)
    print(f"{panel.title}: {len(panel.authorities)} authorities, {panel.years[0]} to {panel.years[-1]}")
    if panel.simulated:
        print("SIMULATED: every authority and number is made up")
    print()
    print(made.headline)
    if made.second:
        print(made.second)
    for one in made.said:
        print(f"  - {one}")
    print(f"report: {folder / 'report.html'}")
    print(folder)
    return 0


def _judged(study: Study, panel: Panel, question: Question) -> Judged | None:
    """How certain the study's answer to a question is, its own checks run; None where that cannot be asked of these data."""
    try:
        result = run(replace(study, question=question, baseline=None), panel=panel)
    except CausalError:
        return None
    verdict = result.verdict
    none = bool(verdict.gate or verdict.failed or verdict.association) or verdict.certainty is None
    return Judged(certainty="none" if none else STEPS[verdict.certainty or 0], because=result.answer.because or (result.answer.second if none else ""))


if __name__ == "__main__":
    from causal.cli import main as command_line

    sys.exit(command_line(["decompose", *sys.argv[1:]]))
