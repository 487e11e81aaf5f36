"""Run configured studies: one, or a sweep that ends with its comparison.

`main` is what `causal run` calls; it works as a script too: python experiments/run.py experiment=closures
"""

from __future__ import annotations

import errno
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

import yaml
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from causal.aside import aside
from causal.design import Design
from causal.document import why, writing
from causal.errors import CausalError, ConfigError, DesignError, refusal
from causal.experiments.compose import (
    checked_cluster,
    checked_runs,
    checked_workers,
    checks_meant,
    choices,
    chosen,
    composed,
    explained,
    parsable,
    question_heeded,
    quoted,
    reason_heeded,
    recorded,
    resolved,
    searched,
    study_from,
    trust,
)
from causal.experiments.gate import CONF, LAUNCHER, guarded, how, portable, spoken, strangers, typed
from causal.explain import extent
from causal.panel import Panel
from causal.proposal import CANNOT, GRAVE, SHAPES, proposal
from causal.protocol import deviations, protocol, read_plan, saved
from causal.report.files import write
from causal.report.phrases import plainly, readable
from causal.report.provenance import code_digest, digest_of, provenance
from causal.report.record import read
from causal.report.terminal import terminal_lines
from causal.study import Result, Source, Study, loaded, run
from causal.words import capital, count, crossed
from causal.workers import Cluster

Detail = Literal["quiet", "short", "verbose", "cfg"]
QUIET = 30.0  # seconds between two lines of progress where nobody is looking
WHERE = ("workers", "backend", "scheduler", "runs")  # words that decide nothing in a result
PARTIAL = ".partial"  # below the folder of runs
BEFORE_CHECKS = ("load", "identify", "design", "estimate")


class _Job:
    """What the jobs of one call share: whom to trust, and where what they did is noted (Hydra's task function takes nothing but the configuration).

    A launcher may run each job in a process of its own, here or on a cluster, so that nothing is kept in memory: a job leaves a note, and the parent reads all.
    """

    def __init__(
        self,
        named: Sequence[str],
        trusted: Sequence[str],
        sweep: bool,
        flags: Sequence[str],
        plan: dict[str, Any] | None,
        detail: Detail,
        folders: Sequence[Path],
    ) -> None:
        self.named = list(named)  # folders and modules to trust, as given
        self.trusted, self.folders = list(trusted), list(folders)
        self.parent, self.notes = os.getpid(), Path()
        self.plan = plan  # the protocol that is followed
        self.sweep = sweep
        self.flags = list(flags)  # part of the words that run it again
        self.detail = detail

    def __call__(self, config: DictConfig) -> None:
        """One study of a sweep, which notes what came of it: the folder, or why it was refused."""
        own = HydraConfig.get()
        words = [str(word) for word in OmegaConf.to_container(own.overrides.task, resolve=False)]  # type: ignore[union-attr]  # as typed
        named = _named(own.runtime.choices)
        note = self.notes / f"{int(own.job.num):06d}.json"
        if os.getpid() != self.parent:
            trust(self.named)
        _leave(note, {**named, "reason": "its process ended before it was done"})
        try:
            _leave(note, {"done": str(self.study(config, named, words))})
        except CausalError as problem:
            _leave(note, {**named, "reason": str(problem), "unsuited": isinstance(problem, DesignError)})
            print(f"refused: {named['experiment']} {named['estimator']}: {problem}", file=sys.stderr)

    def study(self, config: DictConfig, named: dict[str, str], words: Sequence[str]) -> Path:
        """One study, and the folder that it is in.

        Parameters
        ----------
        config : as composed.
        named : of experiment and estimator.
        words : that say what is asked, as typed.

        Raises
        ------
        CausalError : its input cannot be used.
        """
        reason_heeded(config, words)
        question_heeded(config, words, self.folders)
        study = study_from(config, self.trusted)
        plain = recorded(config)
        runs, workers = checked_runs(how(config, "runs")), checked_workers(how(config, "workers"))
        home = runs / named["experiment"] / named["estimator"]
        panel = None
        if self.sweep:
            panel = loaded(study)
            if (same := complete(home, digest_of(plain), panel.digest)) is not None:
                print(f"already complete: {same}")
                return same
        command = ["causal", "run", *self.flags, *_command(named, words)]
        before = None if self.sweep or self.detail == "quiet" else partial(_proposed, study)
        at = checked_cluster(config)
        result, folder = carry_out(study, plain, runs, home, command, workers=workers, cluster=at, panel=panel, followed=self._followed, before=before)
        if not self.sweep:
            _latest(runs, folder)
        _tell(study, result, folder, detail=self.detail)
        return folder

    def _followed(self, result: Result, plain: dict[str, Any]) -> dict[str, Any] | None:
        """The protocol's digest and what was done otherwise."""
        if self.plan is None:
            return None
        said = deviations(self.plan, config=plain, panel=result.panel, outcome=result.study.question.outcome, made=result.design)
        return {"digest": self.plan["digest"], "deviations": said}


def _leave(note: Path, said: Mapping[str, Any]) -> None:
    """Write a note, whole or not at all."""
    part = note.with_suffix(".part")
    part.write_text(json.dumps(said), encoding="utf-8")
    part.replace(note)


def carry_out(
    study: Study,
    plain: dict[str, Any],
    runs: Path,
    home: Path,
    command: Sequence[str],
    *,
    workers: int,
    cluster: Cluster | None = None,
    panel: Panel | None = None,
    followed: Callable[[Result, dict[str, Any]], dict[str, Any] | None] = lambda *_: None,
    before: Callable[[Design], None] | None = None,
) -> tuple[Result, Path]:
    """Run a study and write it into a folder of its own below `home`.

    Parameters
    ----------
    study : what is run.
    plain : the resolved configuration.
    runs : the folder of all runs, below which partial ones stand.
    home : below which the run's own folder is made.
    command : the words that run it again.
    workers : processes for draws.
    cluster : where draws are made; None: on this computer.
    panel : if it has been loaded already.
    followed : what the result says of the protocol that was followed.
    before : called with the design before anything is fitted.
    """
    began = datetime.now(UTC)
    result = run(study, workers=workers, cluster=cluster, say=_Progress(len(study.refuters) + len(BEFORE_CHECKS)), panel=panel, before=before)
    record = provenance(
        config=plain,
        command=spoken(command),
        seed=study.seed,
        data=result.panel.digest,
        times={"started": began.isoformat(timespec="seconds"), "seconds": {name: round(s, 3) for name, s in result.seconds.items()}},
        protocol=followed(result, plain),
    )
    text = as_yaml(plain)
    return result, write_atomically(lambda partial: write(result, partial, record, text), runs, home, f"{began:%Y%m%dT%H%M%SZ}-{digest_of(plain)[:6]}")


def _command(named: dict[str, str], overrides: Sequence[str]) -> list[str]:
    """The words that run it again, without how many workers, of what, or where to."""
    kept = [str(word) for word in overrides if str(word).split("=")[0] not in WHERE]
    return kept if any(word.startswith("experiment=") for word in kept) else [f"experiment={named['experiment']}", *kept]


def as_yaml(plain: dict[str, Any]) -> str:
    """A resolved configuration as the text of its file."""
    return str(yaml.safe_dump(plain, allow_unicode=True, sort_keys=False, width=120))


def write_atomically(fill: Callable[[Path], None], runs: Path, home: Path, name: str) -> Path:
    """`fill` a folder aside and rename it when whole, so that nothing half-written looks finished; the folder it became.

    Parameters
    ----------
    fill : writes all that belongs there.
    runs : the folder of all runs, where unfinished work stands aside.
    home : that it is to stand in.
    name : that it is to have; where that is taken, a number is added.

    Raises
    ------
    ConfigError : it cannot be written, or the disk is full.
    """
    with writable(runs), aside(runs / PARTIAL) as partial:
        fill(partial)
        partial.chmod(0o755)
        home.mkdir(parents=True, exist_ok=True)
        folder, again = home / name, 1
        while True:
            if not os.path.lexists(folder):
                try:
                    partial.rename(folder)
                except OSError:
                    if not folder.is_dir():
                        raise
                else:
                    return folder
            again += 1
            folder = home / f"{name}-{again}"


@contextmanager
def writable(runs: Path) -> Iterator[None]:
    """Turn what the system says of a folder that cannot be written to into a refusal."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as problem:
        remedy = "free some room, or name another folder with runs=FOLDER" if problem.errno == errno.ENOSPC else "name another folder with runs=FOLDER"
        raise refusal(ConfigError, f"runs={runs}", "a folder for runs", f"one that cannot be written to ({why(problem)})", remedy) from problem


def written_to(runs: Path) -> Path:
    """The folder of all runs, tried before any work is done, and left as it was.

    Raises
    ------
    ConfigError : it cannot be written to.
    """
    with writable(runs), aside(runs / PARTIAL):
        return runs


def _latest(runs: Path, folder: Path) -> None:
    """A second name for the newest run; where links cannot be made (Windows, without developer mode) that is said, and the run is whole all the same."""
    link = runs / "latest"
    try:
        if link.exists() and not link.is_symlink():
            raise FileExistsError
        with aside(runs / PARTIAL) as own:
            fresh = own / "latest"
            fresh.symlink_to(folder.relative_to(runs), target_is_directory=True)
            fresh.replace(link)
    except OSError as problem:
        came = "something of your own, which stays" if isinstance(problem, FileExistsError) else why(problem)
        print(f"! {refusal(ConfigError, str(link), 'a link to the newest run', came, 'move it away to have one; the run itself is whole')}", file=sys.stderr)


def complete(home: Path, digest: str, data: str) -> Path | None:
    """A whole run of the same configuration, data and code, the newest."""
    from causal.report.record import load

    for folder in sorted(home.glob(f"*-{digest[:6]}*"), reverse=True):
        try:
            made = load(folder, ("provenance",))["provenance"]
        except CausalError:
            continue
        if (made["config_digest"], made["data_digest"], made["code_digest"]) == (digest, data, code_digest()):
            return folder
    return None


class _Progress:
    """Says each step on standard error, with how many there are and about how long is left; in a pipe no more than one line each half minute."""

    def __init__(self, steps: int) -> None:
        self.steps, self.done, self.began, self.last = steps, 0, time.monotonic(), time.monotonic()

    def __call__(self, step: str) -> None:
        """Before a step begins."""
        now = time.monotonic()
        left = (now - self.began) / self.done * (self.steps - self.done) if self.done else 0.0
        self.done += 1
        if not sys.stderr.isatty() and now - self.last < QUIET:
            return
        self.last = now
        print(f"… {self.done}/{self.steps} {step.replace('_', ' ')}" + (f", about {left:.0f} s left" if left >= 1 else ""), file=sys.stderr)


def _proposed(study: Study, made: Design) -> None:
    """Before a fit, on standard error: another estimator that suits the treatment's shape better, and what the chosen one cannot do there.

    Where the chosen one is among those proposed nothing is said: `causal explain` and the record hold all of it.
    """
    offer = proposal(made, study.estimator)
    if "two_clusters" in offer.cannot:
        print(f"! {capital(CANNOT['two_clusters'])}.", file=sys.stderr)
    here = any(one.estimator == offer.chosen and one.target == offer.target for one in offer.proposed)
    if offer.first is None or (here and not {"waves", "no_interval"} & set(offer.cannot)):
        return
    cannot = "; ".join(CANNOT[code] for code in offer.cannot if code in GRAVE)
    said = f"{made.treatment_variable.label} is {SHAPES[offer.shape]}, which suits {offer.first.words}"
    asked = [f"estimator={offer.first.estimator}", *([f"question.target={offer.first.target}"] if offer.first.target != offer.target else [])]
    print(f"! {said}. It is asked with  {' '.join(asked)}" + (f"  {capital(offer.chosen.replace('_', ' '))}: {cannot}." if cannot else ""), file=sys.stderr)


def _in_full(study: Study, result: Result, data: Mapping[str, Any]) -> None:
    """Adjustment, assumptions, what was left out and every check, for `--verbose`; sentences with readers' names."""
    print(study.title)
    print(f"{result.panel.title}: {extent(result.panel)}")
    for note in result.panel.notes:
        print(f"  - {plainly(data, note)}")
    found = result.identification
    out = {one.name for one in result.design.dropped} if result.design is not None else set()
    adjusted = ", ".join(name for name in found.adjust_for if name not in out) or "nothing"
    if out:
        adjusted += f", without {', '.join(sorted(out))} (collinear)"
    print(f"\nAdjusted for: {adjusted} ({found.chosen_because}; {len(found.valid)} valid sets)")
    minimal = "; ".join("{" + ", ".join(one) + "}" for one in found.minimal) or "none"
    print(f"Minimal sets: {minimal}")
    print("Assumed:")
    for sentence in found.assumptions:
        print(f"  - {sentence}")
    for warning in found.warnings:
        print(f"  ! {plainly(data, warning)}")
    if result.design is not None:
        who = "" if crossed(result.panel.years) else f" rows, {len(result.design.authorities)} authorities"
        print(f"\n{result.design.rows:,}{who or ' units'}; left out:")
        lost = [*data["design"]["lost"], *((data["estimate"] or {}).get("lost") or ())]  # of the record, which says no more than may be said
        for loss in lost:
            print(
                f"  - {readable(data, loss['step'])}: {loss['rows']:,} rows"
                + (f", all of {len(loss['authorities'])} authorities" if loss["authorities"] else "")
            )
        if not lost:
            print("  - nothing")
        if result.estimate is not None:
            made = result.estimate
            print(f"Used by {made.estimator}: {made.rows:,}{f' rows, {made.authorities} authorities' if who else ' units'}; {made.inference}")
    if result.refutations:
        print("\nChecks:")
        for one in result.refutations:
            state = {True: "passed", False: "DID NOT PASS", None: "not run"}[one.survived]
            print(f"  - {one.name}: {state}. {one.found if one.survived is not None else one.reason}")
    print()


def _tell(study: Study, result: Result, folder: Path, *, detail: Detail) -> None:
    """What a person at a terminal reads: the answer first, the folder last; warnings of the adjustment on standard error."""
    data = read(folder)
    if detail == "verbose":
        _in_full(study, result, data)
    warnings = () if detail == "verbose" else result.identification.warnings
    dropped = () if result.design is None else tuple(one.words for one in result.design.dropped)
    for warning in (*warnings, *dropped):
        print(f"! {plainly(data, warning)}", file=sys.stderr)
    for line in [str(folder)] if detail == "quiet" else terminal_lines(data, folder):
        print(line)


def main(words: Sequence[str], *, sweep: bool = False, folders: Sequence[Path] = (), trusted: Sequence[str] = (), detail: Detail = "short") -> int:
    """Run what the words ask for; 0, or 2 if any study of a sweep was refused (with estimator=all, for another reason than not suiting the question).

    Raises
    ------
    CausalError : a single study's input cannot be used.
    """
    names = trust(trusted)
    plan, words = _planned(words, sweep)
    words = checks_meant(words, folders)
    every = "estimator=all" in words
    words = _all_estimators(words, folders)
    flags = [word for flag, given in (("--config-dir", folders), ("--trust", trusted)) for one in given for word in (flag, str(one))]
    folders = [folder.resolve() for folder in folders]
    if not sweep and any("," in word.partition("=")[2] and word.partition("=")[0] in ("estimator", "experiment", "source") for word in words):
        raise refusal(ConfigError, "causal run", "one choice of each", "several, which make a sweep", "put  -m  before them")
    # composed once beforehand, so that what is wrong is said in our words
    typed(words)
    made = chosen([word for word in words if word.startswith("runs=")] if sweep else words, folders)
    first = made.config
    if detail == "cfg":
        if sweep:
            raise refusal(ConfigError, "--cfg", "one run, whose configuration it shows", "a sweep", "leave  -m  away, and give one choice of each")
        print(as_yaml(resolved(first)), end="")
        return 0
    job = _Job(trusted, names, sweep, flags, plan, detail, folders)
    runs = str(checked_runs(how(first, "runs")))
    if not sweep:
        with ExitStack() as stack:
            with writable(Path(runs)):  # of the folder alone: what a source cannot open is not the folder's fault
                stack.enter_context(aside(Path(runs) / PARTIAL))
            stack.enter_context(explained(words, folders))
            stack.enter_context(guarded(words, folders))
            job.study(first, _named(made.choices), made.task)
        return 0
    done, refused, unsuited = _swept(job, words, folders, Path(runs))
    from causal.report.compare import compare

    name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{digest_of({'words': list(words)})[:6]}"
    folder = write_atomically(lambda partial: compare(done, refused=refused, folder=partial), Path(runs), Path(runs) / "comparisons", name)
    print(f"{len(done)} done, {len(refused)} refused")
    print(f"comparison: {folder / 'compare.html'}")
    print(folder)
    # asked for all, those that do not suit the question are rows of the comparison and no fault of the words
    return 0 if done and ((every and unsuited == len(refused)) or not refused) else 2


def _named(picked: Mapping[str, Any]) -> dict[str, str]:
    """What a run is called by: its experiment and its estimator."""
    return {key: str(picked.get(key) or key) for key in ("experiment", "estimator")}


def _swept(job: _Job, words: Sequence[str], folders: Sequence[Path], runs: Path) -> tuple[list[Path], list[dict[str, str]], int]:
    """Hydra makes the studies of a sweep and launches them; folders of those that are whole, what was refused, and how many of these do not suit the question.

    Raises
    ------
    ConfigError : the launcher broke off; what was done by then is kept.
    """
    import hydra  # what makes a program of a function; to compose takes less

    elsewhere = any(LAUNCHER.match(word.lstrip("+")) for word in words)
    was, full = sys.argv, os.environ.get("HYDRA_FULL_ERROR")
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises instead of printing its own message
    try:
        with ExitStack() as stack:
            with writable(runs):
                own = stack.enter_context(aside(runs / PARTIAL))  # Hydra makes a folder and leaves a file there; ours is elsewhere
                job.notes = own.resolve() / "notes"
                job.notes.mkdir()
            search = [*searched(folders), *(f"hydra.{kind}.dir={quoted(str(own))}" for kind in ("run", "sweep"))]
            sys.argv = ["causal run", "--multirun", *parsable(words, sweep=True), *search]
            with explained(words, folders), guarded(words, folders, own=(str(own),)):
                try:
                    hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(job)()
                except (CausalError, HydraException, OmegaConfBaseException):
                    raise
                except Exception as problem:
                    if not elsewhere:
                        raise
                    done, _, _ = _noted(job.notes)
                    first = (str(problem).strip().splitlines() or ["without a word"])[0][:200]
                    came = f"one that broke off after {count(len(done), 'run')} ({type(problem).__name__}: {first})"
                    remedy = "give the same words again: what is complete is not run again"
                    raise refusal(ConfigError, "hydra/launcher", "a launcher that runs every job", came, remedy) from problem
            return _noted(job.notes)
    finally:
        sys.argv = was
        os.environ.pop("HYDRA_FULL_ERROR") if full is None else os.environ.update(HYDRA_FULL_ERROR=full)


def _noted(notes: Path) -> tuple[list[Path], list[dict[str, str]], int]:
    """What the jobs of a sweep left, in their order: folders, refusals, and how many of these do not suit the question."""
    said = [json.loads(one.read_text(encoding="utf-8")) for one in sorted(notes.glob("*.json"))]
    refused = [{key: one[key] for key in ("experiment", "estimator", "reason")} for one in said if "done" not in one]
    return [Path(one["done"]) for one in said if "done" in one], refused, sum(bool(one.get("unsuited")) for one in said)


def _planned(words: Sequence[str], sweep: bool) -> tuple[dict[str, Any] | None, list[str]]:
    """The protocol that is named among the words, and the words with its own before the others."""
    paths = [word.partition("=")[2] for word in words if word.startswith("protocol=")]
    rest = [word for word in words if not word.startswith("protocol=")]
    if not paths:
        return None, rest
    if sweep or len(paths) > 1:
        raise refusal(
            ConfigError, "protocol", "one study, which a protocol fixes", "a sweep, or several", "run it alone, without  -m  and with one  protocol=FILE"
        )
    plan = saved(Path(paths[0]))
    return plan | {"config": portable(plan["config"])}, [*strangers(plan["words"], f"protocol={paths[0]}"), *rest]


def _all_estimators(words: Sequence[str], folders: Sequence[Path]) -> list[str]:
    """`estimator=all` becomes the names of all, the user's folders included."""
    return [f"estimator={','.join(choices('estimator', folders))}" if word == "estimator=all" else word for word in words]


def explain(words: Sequence[str], *, folders: Sequence[Path] = (), trusted: Sequence[str] = (), save: Path | None = None, planned: Path | None = None) -> str:
    """Question, graph, estimand, adjustment, design and assumptions, before any outcome is looked at; with `save`, fixed as a protocol.

    Parameters
    ----------
    words, folders, trusted : as for `main`.
    save : where to write the protocol.
    planned : a plan.json of `causal plan`, whose numbers and places the protocol takes in.

    Raises
    ------
    CausalError : the input cannot be used; a protocol stands at `save` already.
    """
    from causal.explain import explanation

    names = trust(trusted)
    config = composed(list(words), [folder.resolve() for folder in folders])
    study = study_from(config, names)
    said = explanation(study)
    if save is None and planned is not None:
        raise refusal(ConfigError, "causal explain --plan", "a protocol to put it into", "none", "write  --save FILE too")
    if save is None:
        return said
    made = None if planned is None else read_plan(planned)
    plan = protocol(study, config=recorded(config), words=strangers(words, "a protocol"), planned=made)
    text = f"# Protocol: {study.title}. Follow it with  causal run protocol={save}\n{as_yaml(plan)}"
    with writing(save, f"--save {save}", "name another file, or free some room", over=False) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
    return f"{said}\n\nProtocol saved as {save} (digest {plan['digest'][:12]}); follow it with  causal run protocol={save}"


def source(words: Sequence[str], *, folders: Sequence[Path] = (), trusted: Sequence[str] = ()) -> Source:
    """The source of the study that these words configure, not yet loaded.

    Raises
    ------
    CausalError : the input cannot be used.
    """
    return study_from(composed(list(words), [folder.resolve() for folder in folders]), trust(trusted)).source


if __name__ == "__main__":
    from causal.cli import main as command_line

    sys.exit(command_line(["run", *sys.argv[1:]]))
