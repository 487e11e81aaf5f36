"""From the command line's words to one configuration: Hydra composes it, and what does not fit or would not be heeded is said.

What may be composed is `gate`'s business, a word by itself that of `overrides`, and what is made of a configuration that of `resolve`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from causal.document import called, mapping, read_yaml
from causal.errors import CausalError, ConfigError, refusal, suggest
from causal.experiments.gate import CONF, choices, guarded, how, shelf, typed, unresolved
from causal.experiments.overrides import CHECK, LONGEST, elsewhere, every_check, knobs_of_today, parsable, quoted, readable, searched, with_check
from causal.experiments.resolve import MOVED, RENAMED, moved, recorded, resolved, study_and_part, study_from, trust
from causal.knobs import is_whole
from causal.offered import own_names
from causal.question import UNGIVEN
from causal.workers import Cluster

# a study's way from words to what is made has this one address for programs, whichever room a step stands in
__all__ = [
    "CONF",
    "MOVED",
    "RENAMED",
    "checked_cluster",
    "checked_runs",
    "checked_workers",
    "checks_meant",
    "choices",
    "composed",
    "explained",
    "moved",
    "parsable",
    "question_heeded",
    "quoted",
    "reason_heeded",
    "recorded",
    "resolved",
    "searched",
    "study_and_part",
    "study_from",
    "trust",
]

ASKS = ("outcome", "question.treatment", "question.outcome", "question.control", "question.treated")  # words that ask something else of an experiment
CHARTED = ("short", "brief", "claims", "effect", "lower", "upper")  # keys of what others said that put it on the axis of one treatment and outcome
QUESTION = ("treatment", "outcome", "control", "treated")
MOST_WORKERS = 1_000
MOST_TRIED = 20  # words that are tried one by one, to say which does not fit


def composed(words: Sequence[str], folders: Sequence[Path] = ()) -> DictConfig:
    """The configuration that these overrides make.

    Raises
    ------
    ConfigError : a group's choice, a key or a value that does not exist or does not fit.
    """
    return chosen(words, folders).config


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """What Hydra made of words.

    Parameters
    ----------
    config : without Hydra's own node.
    choices : group → the name chosen of it.
    task : the words that say what is asked, as typed.
    """

    config: DictConfig
    choices: dict[str, str | None]
    task: list[str]


def chosen(words: Sequence[str], folders: Sequence[Path] = ()) -> Composed:
    """The configuration that these overrides make, with what was chosen of each group.

    Raises
    ------
    ConfigError : as `composed`.
    """
    for folder in folders:
        _look_through(folder)
    own_names(folders)
    typed(words)
    words = checks_meant(words, folders)
    with explained(words, folders), guarded(words, folders):
        GlobalHydra.instance().clear()
        whole = _composed_of([*parsable(words), *searched(folders)])
    own = whole.hydra
    made = Composed(
        config=whole,
        choices={str(group): choice for group, choice in own.runtime.choices.items()},
        task=[str(word) for word in OmegaConf.to_container(own.overrides.task, resolve=False)],  # reading them one by one would resolve what they hold
    )
    with open_dict(whole):
        del whole["hydra"]
    _outcome_heeded(whole, words, folders)
    _nothing_heeded(whole, words)
    reason_heeded(whole, words)
    question_heeded(whole, words, folders)
    checked_runs(how(whole, "runs"))
    checked_workers(how(whole, "workers"))
    checked_cluster(whole)
    return made


def _composed_of(words: Sequence[str]) -> DictConfig:
    """What Hydra makes of words; a word that it stumbles over, whatever it raises, is one that does not fit."""
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            return compose("config", [*words], return_hydra_config=True)
    except (ValueError, TypeError, AttributeError, LookupError, AssertionError) as problem:
        raise HydraException(type(problem).__name__) from problem


def checked_workers(workers: Any) -> int:
    """How many processes for draws.

    Raises
    ------
    ConfigError : not a whole number of at least 1, or -1.
    """
    if not is_whole(workers, most=MOST_WORKERS) or workers == 0 or workers < -1:
        raise refusal(ConfigError, "workers", "a whole number of at least 1, or -1 for all processors", repr(workers), "write  workers=1")
    return workers


def checked_cluster(config: DictConfig) -> Cluster:
    """Where draws are made.

    Raises
    ------
    ConfigError : no such backend, or a scheduler that does not go with it.
    """
    return Cluster(backend=how(config, "backend"), scheduler=how(config, "scheduler"))


def checked_runs(runs: Any) -> Path:
    """The folder that results go to.

    Raises
    ------
    ConfigError : no name of a folder, or what has that name is none.
    """
    if not isinstance(runs, str) or not runs.strip() or "\0" in runs:
        raise refusal(ConfigError, "runs", "the name of a folder", called(runs), "write  runs=FOLDER, or leave it out")
    with suppress(OSError):  # what cannot be looked at is said when it is written to
        if Path(runs).exists() and not Path(runs).is_dir():
            raise refusal(ConfigError, "runs", "the name of a folder", f"{runs}, which is a file", "write  runs=FOLDER, or leave it out")
    return Path(runs)


def checks_meant(words: Sequence[str], folders: Sequence[Path] = ()) -> list[str]:
    """The words with  refuters={}  and  refuters=null  as the none that they mean; a check that is not among those chosen is answered with how to add it.

    Parameters
    ----------
    words : overrides as they were given.
    folders : of the user's own.

    Returns
    -------
    words : overrides that Hydra takes.

    Raises
    ------
    ConfigError : a knob of a check, or a check to be taken away or added, that is not among those chosen; the message has the words that work.
    """
    words = every_check(knobs_of_today(words), folders)
    words = ["refuters=[]" if word.replace(" ", "") in ("refuters={}", "refuters=null", "refuters=", "refuters=none") else word for word in words]
    known = choices("refuters", folders)
    asked = [(word, *found.groups(), word.partition("=")[2]) for word in words if (found := CHECK.match(word))]
    added = [(word, value) for word in words for value in [word.partition("=")[2].strip("[]")] if word.startswith("+refuters=") and value in known]
    if not asked and not added:
        return words
    there = [key.partition(".")[2] for key in _keys(words, folders) if re.fullmatch(r"refuters\.\w+", key)]
    chosen = next((word.partition("=")[2] for word in reversed(words) if word.startswith("refuters=")), "default")
    listed = [name.strip() for name in chosen.strip("[]").split(",") if name.strip()]
    for _, name in added:
        raise refusal(ConfigError, "+refuters", "the whole list of checks", f"one to be added, {name!r}", f"write  {with_check(listed, name)}")
    for _, sign, name, knob, value in asked:
        if "_target_" in f"{knob}{value}" or name in there:
            continue
        if name not in known:
            if not sign.startswith("+") or not knob:  # a knob of a class of the user's own, which stands in another word
                nearest = suggest(name, known)
                at = nearest.find("Did you mean")
                raise refusal(ConfigError, "refuters", "a check that there is", repr(name), nearest[at:] if at >= 0 else "causal list refuters  names them")
        elif sign.startswith("~"):
            raise refusal(
                ConfigError,
                "refuters",
                "a check of this study, to be taken away",
                f"{name}, which is not among the checks",
                f"there is {', '.join(there) or 'none'}",
            )
        else:
            more = f" refuters.{name}{knob}={value}" if knob else ""
            raise refusal(
                ConfigError, "refuters", "a check of this study", f"{name}, which is not among the checks", f"add it with  {with_check(listed, name)}{more}"
            )
    return words


def reason_heeded(config: DictConfig, words: Sequence[str]) -> None:
    """A smallest important effect changed on the command line does not keep the reason of another size.

    Parameters
    ----------
    config : to change.
    words : overrides as they were given.
    """
    given = {word.lstrip("+").partition("=")[0] for word in words}
    if "question.smallest_important" in given and "question.because" not in given:
        OmegaConf.update(config, "question.because", UNGIVEN, force_add=True)


def question_heeded(config: DictConfig, words: Sequence[str], folders: Sequence[Path]) -> None:
    """A question changed on the command line does not keep the words of another: title, action, reason and what others put on its axis follow it.

    What is then made of the question's own names and numbers is null here, until the study is made.

    Parameters
    ----------
    config : to change.
    words : overrides as they were given.
    folders : of the user's own.
    """
    given = {word.lstrip("+").partition("=")[0] for word in words}
    if not given & set(ASKS):
        return
    before, running = None, GlobalHydra.instance().hydra  # a job of Hydra's own goes on with what it has
    with suppress(HydraException, OmegaConfBaseException, CausalError), guarded(words, folders):
        GlobalHydra.instance().clear()
        own = _composed_of([*parsable([word for word in words if word.lstrip("+").partition("=")[0] not in ASKS]), *searched(folders)])
        before = [OmegaConf.select(own, f"question.{key}") for key in QUESTION]
    GlobalHydra.instance().hydra = running
    if before is None or None in before:  # the experiment leaves it to the command line, and its words are of whatever is put there
        return
    asked = [OmegaConf.select(config, f"question.{key}") for key in QUESTION]
    with open_dict(config):
        if asked[:2] != before[:2]:
            if "title" not in given:
                config.title = None
            for one in config.get("said") or ():
                for key in CHARTED:
                    one.pop(key, None)
            if "question.outcome" in given and not given & {"question.because", "question.smallest_important"}:
                config.question.because = UNGIVEN
        if [asked[0], *asked[2:]] != [before[0], *before[2:]] and "action" not in given:
            config.action, config.short = None, ""


def _outcome_heeded(config: DictConfig, words: Sequence[str], folders: Sequence[Path]) -> None:
    """An experiment that sets its own outcome stands above the group, and a choice would be lost without a word."""
    chosen = next((word.partition("=")[2] for word in reversed(words) if word.startswith("outcome=")), "")
    for path in (path for root in (*folders, CONF) for path in shelf(root, "outcome") if path.stem == chosen):
        with unresolved():
            wanted = mapping(read_yaml(path, "an outcome"), str(path), "an outcome").get("outcome")
            got = OmegaConf.select(config, "question.outcome", throw_on_missing=False)
            if wanted != got and not any(word.startswith("question.outcome=") for word in words):
                raise refusal(
                    ConfigError,
                    f"outcome={chosen}",
                    "an experiment that leaves the outcome open",
                    f"one that sets its own, {got}, so that this is not heeded",
                    f"give  question.outcome={wanted}  and the size that would matter,  question.smallest_important=…  'question.because=…'",
                )
            return


def _nothing_heeded(config: DictConfig, words: Sequence[str]) -> None:
    """`key={}` is merged into what stands there and takes nothing away, which nobody would write who did not mean to."""
    for word in words:
        key, sign, value = word.partition("=")
        if sign and re.fullmatch(r"\{\s*\}", value):
            there = OmegaConf.select(config, key.lstrip("+").replace("/", "."), throw_on_missing=False, throw_on_resolution_failure=False)
            if there:
                remedy = f"write  '~{key.lstrip('+')}'  to take it away" if key.lstrip("+") != "refuters" else "write  'refuters=[]'  for no checks at all"
                raise refusal(ConfigError, key, "what is to stand there", "{}, which takes nothing away", remedy)


def _look_through(folder: Path) -> None:
    """A folder of the user's own: there, with experiments that say where they belong. What it sets is judged once it is composed."""
    if not folder.is_dir():
        raise refusal(ConfigError, f"--config-dir {folder}", "a folder", "nothing: there is no such folder", "look at how it is written")
    for path in shelf(folder, "experiment"):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        if not any(re.match(r"#\s*@package\s+_global_", line) for line in lines):
            raise refusal(
                ConfigError,
                str(path),
                "an experiment, which begins with the line  # @package _global_",
                "one without it, so that its keys go unused",
                "write that line at the top",
            )

    for path in shelf(folder, "refuters"):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        wanted = f"# @package refuters.{path.stem}"
        if any(line.startswith("_target_:") for line in lines) and not any(re.match(r"#\s*@package\s", line) for line in lines):
            remedy = "write that line at the top"
            raise refusal(ConfigError, str(path), f"a check, which begins with the line  {wanted}", "one without it, so that its keys go astray", remedy)


@contextmanager
def explained(words: Sequence[str], folders: Sequence[Path]) -> Iterator[None]:
    """Turn what Hydra and OmegaConf raise into one message of ours."""
    for word in words:
        readable(word, folders)
    try:
        yield
    except YAMLError as problem:
        raise refusal(
            ConfigError, "a configuration file", "YAML", f"what is none: {' '.join(str(problem).split())}", "look at its brackets, quotes and blanks"
        ) from problem
    except (HydraException, OmegaConfBaseException) as problem:
        raise _translated(problem, words, folders) from problem


def _translated(problem: Exception, words: Sequence[str], folders: Sequence[Path]) -> CausalError:
    cause: BaseException | None = problem
    while cause is not None:
        if isinstance(cause, CausalError):
            return cause
        cause = cause.__cause__
    text = str(problem)
    lacking = re.search(r"(?:Could not (?:find|load)|In '[^']*': Could not find) '([\w/.-]+)'", text)
    if lacking and "/" in lacking[1]:
        group, _, name = lacking[1].rpartition("/")
        if group == "hydra/launcher":
            remedy = "install the extra:  pip install 'causal-prevention[cluster]'"
            return refusal(ConfigError, group, "a launcher that is installed", repr(name), remedy)
        known = choices(group, folders)
        return (
            refusal(ConfigError, group, "the name of one that there is", repr(name), suggest(name, known) + elsewhere(folders))
            if known
            else refusal(ConfigError, group, "a group of configurations", "none of that name", "causal list  shows what there is")
        )
    key = re.search(r"Key '([^']+)' is not in struct|Could not override '([^']+)'", text)
    if key or "is not in struct" in text:
        full = re.search(r"full_key: (\S+)", f"{text} {getattr(problem, '__cause__', '')}")
        bare = re.search(r"Could not override '([^']+)'", text)
        named = (full[1] if full else bare[1] if bare else (key[1] or key[2]) if key else "?").strip()
        keys = _keys(words, folders)
        beside = [one for one in keys if one.rpartition(".")[0] == named.rpartition(".")[0]]
        exists = suggest(named, beside) if beside else "look at what was chosen with  --cfg job."
        if lower := _lower(named, keys):
            exists = f"it stands lower; write  {lower}=…"
        arrow = " A new arrow is added with  +graph.arrows.CAUSE.EFFECT='why'" if named.startswith("graph") else ""
        return refusal(ConfigError, named, "a key that there is", repr(named), exists + arrow)
    if group := re.search(r"Could not override '([^']+)'\.?\s*(?:No match|Did you mean)", text):
        return refusal(ConfigError, group[1], "a group or key that there is", repr(group[1]), suggest(group[1], _keys(words, folders)))
    word = _misfit(words, folders)
    named = re.sub(r"^[~+]+", "", word.partition("=")[0])
    if word.startswith("~"):
        return refusal(
            ConfigError,
            word,
            "a key to take away",
            f"{named!r}, and there is no such key",
            suggest(named, _beside(named, _keys([one for one in words if one != word], folders, arrows=True))),
        )
    if word.startswith("+"):
        remedy = f"where it stands already, write  {named}=…  without the sign"
        return refusal(ConfigError, word[:LONGEST], "a key that can be added here", "one that cannot", remedy)
    if word:
        remedy = f"look at  causal describe {named.partition('.')[0]},  or leave it out"
        return refusal(ConfigError, word[:LONGEST], "a key and a value that fit what was chosen", "ones that do not", remedy)
    remedy = "look at its defaults, its # @package line, and what stands as a list where keys are wanted"
    return refusal(ConfigError, str(folders[0]) if folders else "the configuration", "configurations that fit together", "ones that do not", remedy)


def _misfit(words: Sequence[str], folders: Sequence[Path]) -> str:
    """The first word with which what went before can no longer be composed; "" where none is to blame."""
    for last in range(min(len(words), MOST_TRIED)):
        if not _composes(words[: last + 1], folders):
            return words[last] if last or _composes((), folders) else ""
    return ""


def _composes(words: Sequence[str], folders: Sequence[Path]) -> bool:
    GlobalHydra.instance().clear()
    try:
        with guarded(words, folders):
            _composed_of([*parsable(words), *searched(folders)])
    except (HydraException, OmegaConfBaseException, CausalError):
        return False
    finally:
        GlobalHydra.instance().clear()
    return True


def _lower(named: str, keys: Sequence[str]) -> str:
    """A key that is called so one level down, `question.lag` for `lag`, the question's before others'; "" where none is."""
    ends = [one for one in keys if one.count(".") == 1 and one.rpartition(".")[2] == named]
    return min(ends, key=lambda one: (not one.startswith("question."), not one.startswith("source."), one), default="")


def _beside(named: str, keys: Sequence[str]) -> list[str]:
    """Keys that stand where one was looked for, or one level up, or all."""
    above = named
    while above := above.rpartition(".")[0]:
        if near := [one for one in keys if one.startswith(f"{above}.")]:
            return near
    return list(keys)


def _keys(words: Sequence[str], folders: Sequence[Path], *, arrows: bool = False) -> list[str]:
    """Every key of the configuration as it would be without the words that fail; those of the graph's arrows if asked for."""
    kept = [word for word in words if re.match(r"^((experiment|source|estimator|graph|rule|refuters)=[\w,\[\]]*|~\w+)$", word)]
    GlobalHydra.instance().clear()
    try:
        with guarded(kept, folders), initialize_config_dir(str(CONF), version_base="1.3"):
            config = compose("config", [*kept, *searched(folders)])
    except (HydraException, OmegaConfBaseException, CausalError, ValueError, TypeError, AttributeError):
        return []
    finally:
        GlobalHydra.instance().clear()
    plain = OmegaConf.to_container(config, resolve=False)
    assert isinstance(plain, dict)
    drawn = (plain.get("graph") or {}).get("arrows") or {} if arrows else {}
    return [*_flat(plain), *(f"graph.arrows.{cause}.{effect}" for cause, effects in drawn.items() for effect in effects)]


def _flat(value: Any, at: str = "") -> Iterator[str]:
    for key, inner in value.items() if isinstance(value, dict) else ():
        here = f"{at}.{key}" if at else str(key)
        if here.startswith(("hydra", "graph.arrows.", "graph.nodes.")):
            continue
        yield here
        yield from _flat(inner, here)
