"""From the command line's words to a study: Hydra composes, we check, and what stands in plain values is made.

What may be composed is `gate`'s business. Only classes of this toolkit are made of it, or of modules that the user trusts on the command line: a
`_target_` is resolved and its own module looked at, since a prefix proves nothing (a library may re-export what runs code).
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from causal.configured import unlisted
from causal.declared import TARGET, check_values
from causal.document import called, mapping, read_yaml
from causal.errors import CausalError, ConfigError, placed, refusal, suggest
from causal.experiments.gate import CONF, guarded, how, installed, plain_values, portable, shelf, typed, unresolved
from causal.knobs import is_number, is_whole
from causal.question import UNGIVEN
from causal.refuters import labels
from causal.study import Study
from causal.words import capital, written

MOST_WORKERS = 1_000
MOST_TRIED = 20  # words that are tried one by one, to say which does not fit
LONGEST = 120  # letters of a word that a message repeats
SEVERAL = ("refuters",)  # groups of which a list may be chosen
OPTIONAL = ("decomposition", "outcome", "refuters")  # groups of which a study may have none
STUDY = "causal.study.Study"  # what every configuration as a whole makes
# addresses that users' YAML and protocols may still hold, and where their classes stand now; digests are of the new ones
MOVED = {
    "causal.judge.Rule": "causal.verdict.rule.Rule",
    "causal.rule.Rule": "causal.verdict.rule.Rule",
    "causal.decompositions.money.Placement": "causal.decompositions.machinery.money.Placement",
    **{f"causal.estimators.heterogeneous.{name}": f"causal.estimators.cate.{name}" for name in ("SparseLinearDml", "KernelDml", "NonparamDml", "CausalForest")},
}

# knobs that have another name by now, by the address of their class: old → new, with the same meaning
RENAMED = {
    "causal.refuters.anticipation.Anticipation": {"still": "tolerance"},
    "causal.refuters.honest_did.HonestDid": {"still": "tolerance"},
    "causal.refuters.placebo_dates.PlaceboDates": {"still": "tolerance"},
    "causal.refuters.placebo_treatment.PlaceboTreatment": {"deal": "permute"},
    "causal.refuters.pre_trend.PreTrend": {"still": "tolerance"},
    "causal.refuters.reverse_causation.ReverseCausation": {"still": "tolerance"},
}


CHECK = re.compile(r"([+~]*)refuters\.(\w+)((?:\.\w+)*)(?==|$)")


def composed(words: Sequence[str], folders: Sequence[Path] = ()) -> DictConfig:
    """The configuration that these overrides make.

    Raises
    ------
    ConfigError : a group's choice, a key or a value that does not exist or does not fit.
    """
    for folder in folders:
        _look_through(folder)
    typed(words)
    words = checks_meant(words, folders)
    with explained(words, folders), guarded(words, folders):
        GlobalHydra.instance().clear()
        config = _composed_of([*parsable(words), *searched(folders)])
    _outcome_heeded(config, words, folders)
    _nothing_heeded(config, words)
    reason_heeded(config, words)
    question_heeded(config, words, folders)
    checked_runs(how(config, "runs"))
    checked_workers(how(config, "workers"))
    return config


def _composed_of(words: Sequence[str]) -> DictConfig:
    """What Hydra makes of words; a word that it stumbles over, whatever it raises, is one that does not fit."""
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            return compose("config", [*words], return_hydra_config=False)
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
    words = _every_check(_knobs_of_today(words), folders)
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
        raise refusal(ConfigError, "+refuters", "the whole list of checks", f"one to be added, {name!r}", f"write  {_with(listed, name)}")
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
                ConfigError, "refuters", "a check of this study", f"{name}, which is not among the checks", f"add it with  {_with(listed, name)}{more}"
            )
    return words


def _every_check(words: Sequence[str], folders: Sequence[Path]) -> list[str]:
    """The words with every check where they, or else the experiment that they name, say  all : those too that its file does not list."""
    more = unlisted(folders)
    said = [at for at, word in enumerate(words) if word.startswith("refuters=")]
    made = list(words)
    if said:
        chosen = words[said[-1]].partition("=")[2].strip("[]").split(",")
    else:
        experiment = next((word.partition("=")[2] for word in reversed(words) if word.startswith("experiment=")), "")
        files = [folder / "experiment" / f"{experiment}.yaml" for folder in (*folders, CONF) if experiment and "/" not in experiment]
        text = next((path.read_text(encoding="utf-8", errors="replace") for path in files if path.is_file()), "")
        found = re.search(r"(?m)^\s*-\s*override /refuters:\s*\[?([\w, ]+)\]?\s*(#.*)?$", text)
        chosen = found[1].split(",") if found else []
    chosen = [name.strip() for name in chosen if name.strip()]
    new = [name for name in more if name not in chosen]
    if "all" not in chosen or not new:
        return made
    every = f"refuters=[{','.join([*chosen, *new])}]"
    return [*(word for at, word in enumerate(made) if at not in said), every]


def _knobs_of_today(words: Sequence[str]) -> list[str]:
    """The words with a check's knobs by their present names (`RENAMED`)."""
    by_check = {address.split(".")[-2]: names for address, names in RENAMED.items()}
    made = []
    for word in words:
        found = CHECK.match(word)
        new = by_check.get(found[2], {}).get(found[3].removeprefix(".")) if found else None
        made.append(f"{found[1]}refuters.{found[2]}.{new}{word[found.end() :]}" if found and new else word)
    return made


def _with(listed: Sequence[str], name: str) -> str:
    """The word that asks for these checks and one more."""
    return f"'refuters=[{','.join([*listed, name])}]'"


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


ASKS = ("outcome", "question.treatment", "question.outcome", "question.control", "question.treated")  # words that ask something else of an experiment
CHARTED = ("short", "brief", "claims", "effect", "lower", "upper")  # keys of what others said that put it on the axis of one treatment and outcome


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


QUESTION = ("treatment", "outcome", "control", "treated")


def _said_of(plain: dict[str, Any]) -> None:
    """Title and action that nobody wrote, from the names that the graph has for treatment and outcome and from the levels compared."""
    asked = plain.get("question")
    if not isinstance(asked, dict) or not {"title", "action"} & {key for key in ("title", "action") if plain.get(key, "") is None}:
        return
    graph = _made(plain.get("graph"), "graph")
    treatment, outcome = (_called(graph, str(asked.get(key))) for key in ("treatment", "outcome"))
    if plain.get("title", "") is None:
        plain["title"] = capital(f"{treatment} and {outcome}")
    if plain.get("action", "") is None:
        levels = [written(one) if is_number(one) else str(one) for one in (asked.get("control"), asked.get("treated"))]
        plain["action"] = f"Moving {treatment} from {levels[0]} to {levels[1]}"


def _called(graph: Any, name: str) -> str:
    """What a graph calls a variable; one that it does not have goes by its own name."""
    label = next((node.label for node in getattr(graph, "nodes", ()) if node.name == name), name)
    return label if label != name else name.replace("_", " ")


def searched(folders: Sequence[Path]) -> list[str]:
    """The override that adds the user's folders to those where Hydra looks."""
    return [f"hydra.searchpath=[{','.join(quoted(f'file://{folder}') for folder in folders)}]"] if folders else []


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


def study_from(config: DictConfig, trusted: Sequence[str] = ()) -> Study:
    """Instantiate the study.

    Raises
    ------
    ConfigError : a key without a value, a class that is not allowed, a knob that a class does not have.
    """
    plain = _whole(config, trusted)
    if plain.get(TARGET) != STUDY:
        raise refusal(ConfigError, TARGET, STUDY, repr(plain.get(TARGET)), "leave that key as it ships; a part of your own has a _target_ of its own")
    _said_of(plain)
    check_values("", Study, plain, _resolve)
    study: Study = _made(plain)
    _checks_there(study)
    # also a check that the study does not ask for is called by its plain name
    return replace(study, language=study.language.naming(labels()))


def study_and_part(config: DictConfig, group: str, trusted: Sequence[str] = ()) -> tuple[Study, Any]:
    """The study, and a part that stands beside it in the configuration (a decomposition), made in the same way.

    Raises
    ------
    ConfigError : as `study_from`.
    """
    plain = _whole(config, trusted)
    asked = plain.pop(group)
    if not isinstance(asked, dict) or TARGET not in asked:
        raise refusal(ConfigError, group, f"a {group} ({TARGET} and its knobs)", called(asked), f"choose one; causal list {group}s  names them")
    check_values(group, _resolve(group, asked[TARGET]), asked, _resolve)
    return study_from(OmegaConf.create(plain), trusted), _made(asked, group)


def _checks_there(study: Study) -> None:
    """A rule that asks for a check of a name that nobody has would say of every run that it did not run."""
    known = {*labels(), *study.refuters}
    lists = [(f"rule.{key}.{kind}", names) for key in ("bias", "timing") for kind, names in getattr(study.rule, key).items()]
    for where, names in [*lists, ("rule.stability", study.rule.stability), ("language.checks", tuple(study.language.checks))]:
        for name in names:
            if name not in known:
                raise refusal(ConfigError, where, "names of checks", repr(name), suggest(name, known))


def _whole(config: DictConfig, trusted: Sequence[str]) -> dict[str, Any]:
    """The configuration as plain values: every key has one, and every class is allowed."""
    plain = resolved(config)
    plain["beside"] = _by_name(plain.get("beside"))
    missing = sorted(_missing(config))
    if missing:
        raise refusal(ConfigError, f"{', '.join(missing)}", "a value", "none", f"give it on the command line ({missing[0]}=…) or in the experiment")
    for where, target in _targets(plain):
        _allowed(where, target, trusted)
    _leave_knobs(plain)
    return plain


def _by_name(given: Any) -> Any:
    """Estimators of the shelf that are named, each with the knobs of its configuration; what has a `_target_` of its own stays as it is.

    Raises
    ------
    ConfigError : no list, or a name that there is none of.
    """
    if given is None:
        return []
    given = [given] if isinstance(given, str) and given else given
    if not isinstance(given, list):
        raise refusal(ConfigError, "beside", "a list of estimators, as beside=[linear_dml], or [] for none", repr(given), "write  beside=[]  for none")
    made = []
    for one in given:
        if isinstance(one, dict) and "_target_" in one:
            made.append(one)
        elif not isinstance(one, str) or one not in choices("estimator"):
            raise refusal(
                ConfigError, "beside", "estimators that there are, or one of your own as {_target_: …}", repr(one), suggest(str(one), choices("estimator"))
            )
        else:
            made.append(OmegaConf.to_container(OmegaConf.load(CONF / "estimator" / f"{one}.yaml"), resolve=True))
    return made


def _made(value: Any, where: str = "") -> Any:
    """What plain values stand for, inside first: every mapping with a `_target_` is made by its class."""
    if isinstance(value, list):
        return [_made(inner, f"{where}[{at}]") for at, inner in enumerate(value)]
    if not isinstance(value, dict):
        return value
    parts = {key: _made(inner, f"{where}.{key}" if where else str(key)) for key, inner in value.items() if key != TARGET}
    if TARGET not in value:
        return parts
    made = _resolve(where, value[TARGET])
    try:
        return made(**parts)
    except ConfigError as problem:
        if where and where.rpartition(".")[2] not in str(problem):
            raise placed(ConfigError, where, problem) from problem
        raise
    except CausalError:
        raise
    except Exception as problem:  # an outsider's class may raise anything at birth
        theirs = str(value[TARGET]).split(".")[0] != "causal"
        came = " ".join(f"{type(problem).__name__}: {problem}".split())[:300] if theirs else "values that it cannot read"
        raise refusal(ConfigError, where or "the configuration", f"knobs that {value[TARGET]} takes", came, "look at what its class asks for") from problem


def _leave_knobs(plain: dict[str, Any]) -> None:
    """A class of the user's own put in the place of an estimator's (`estimator._target_=…`) does not get the knobs that stood there."""
    made = plain.get("estimator")
    if not isinstance(made, dict) or TARGET not in made or str(made.get(TARGET)).split(".")[0] == "causal":
        return
    taken = set(inspect.signature(_resolve("estimator", made["_target_"])).parameters)
    for path in (CONF / "estimator").glob("*.yaml"):
        for key, value in OmegaConf.to_container(OmegaConf.load(path)).items():  # type: ignore[union-attr]
            if key not in taken and key != "_target_" and key in made and made[key] == value:
                del made[key]


def resolved(config: DictConfig) -> dict[str, Any]:
    """What decides an answer, as plain values; errors as `gate.plain_values`."""
    return {key: moved(value) for key, value in plain_values(config).items()}


def recorded(config: DictConfig) -> dict[str, Any]:
    """What decides an answer, as it stands in results and their digests: paths without the folders of this machine."""
    made = portable(resolved(config))
    assert isinstance(made, dict)
    return made


def moved(value: Any) -> Any:
    """The same with every `_target_` at its present address (`MOVED`), and every knob by its present name (`RENAMED`); an old name that is given counts."""
    if isinstance(value, dict):
        made = {key: MOVED.get(inner, inner) if key == TARGET and isinstance(inner, str) else moved(inner) for key, inner in value.items()}
        names = RENAMED.get(str(made.get(TARGET)), {})
        old = {names[key]: inner for key, inner in made.items() if key in names}
        return {key: old.get(key, inner) for key, inner in made.items() if key not in names} | old
    return [moved(inner) for inner in value] if isinstance(value, list) else value


def parsable(words: Sequence[str], *, sweep: bool = False) -> list[str]:
    """The overrides, values quoted where Hydra's grammar stumbles over them (paths with brackets, quotes, £, = or, outside sweeps, commas)."""
    parser = OverridesParser.create()
    good = []
    for word in words:
        key, sign, value = word.partition("=")
        try:
            quote = parser.parse_override(word).is_sweep_override() and "." in key and not sweep
        except HydraException:
            quote = True
        good.append(f"{key}{sign}{_elements(value) or quoted(value)}" if quote else word)
    return good


def _elements(value: str) -> str:
    """A list of files or of dated names, each quoted by itself: [a(1).csv,b.csv] and [year,plans[-1]] are two each; "" for what is no plain list."""
    inside = re.fullmatch(r"\[((?:[^\[\]{}'\"]|\[-?\d+\])+)\]", value.strip())
    return f"[{','.join(quoted(one.strip()) for one in inside[1].split(','))}]" if inside else ""


def quoted(value: str) -> str:
    """A value in single quotes, as Hydra reads them."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


@contextmanager
def explained(words: Sequence[str], folders: Sequence[Path]) -> Iterator[None]:
    """Turn what Hydra and OmegaConf raise into one message of ours."""
    for word in words:
        _readable(word, folders)
    try:
        yield
    except YAMLError as problem:
        raise refusal(
            ConfigError, "a configuration file", "YAML", f"what is none: {' '.join(str(problem).split())}", "look at its brackets, quotes and blanks"
        ) from problem
    except (HydraException, OmegaConfBaseException) as problem:
        raise _translated(problem, words, folders) from problem


def choices(group: str, folders: Sequence[Path] = ()) -> list[str]:
    """Names of a group's configurations, the user's folders included."""
    return sorted({path.stem for root in (CONF, *folders) for path in shelf(root, group)})


def _readable(word: str, folders: Sequence[Path]) -> None:
    """Refuse a word that is no override, or a group's choice that is no name."""
    like = "write it like  question.lag=1  or  estimator=linear_dml, and a value with brackets or quotes in single quotes"
    where = word if len(word) <= LONGEST else f"{word[:LONGEST]}…"
    try:
        read = OverridesParser.create().parse_override(parsable([word], sweep=True)[0])
    except HydraException as problem:
        raise refusal(ConfigError, where, "an override, key=value", "one whose key or value cannot be read", like) from problem
    key = read.key_or_group or ""
    if not re.sub(r"[@:].*", "", key) or any(not piece for piece in re.split(r"[./]", key)):
        raise refusal(ConfigError, where, "an override, key=value", "one whose key is not whole", like)
    if read.is_delete() or read.is_sweep_override() or "." in key or not (known := choices(key, folders)):
        return
    value = read.value()
    if (value is None and key not in OPTIONAL) or isinstance(value, bool | int | float):
        example = f"write  {key}={known[0]};  it has {', '.join(known[:6])}{' …' if len(known) > 6 else ''}"
        raise refusal(ConfigError, where, f"a name of the group {key}", called(value), example)
    if isinstance(value, list) and key not in SEVERAL:
        raise refusal(
            ConfigError,
            where,
            f"one name of the group {key}",
            called(value),
            f"write  {key}={value[0] if value else known[0]};  several make a sweep, with  -m",
        )
    if isinstance(value, list) and (twice := sorted({str(name) for name in value if value.count(name) > 1})):
        raise refusal(ConfigError, where, "each name once", f"{twice[0]!r} twice", "take one away")
    for name in value if isinstance(value, list) else [str(value)] if isinstance(value, str) else []:
        if str(name) not in known:
            own = f"a table of your own is  source=table source.path={name}" if key == "source" and "." in str(name) else suggest(str(name), known)
            raise refusal(ConfigError, key, "the name of one that there is", repr(str(name)), own)


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
        known = choices(group, folders)
        return (
            refusal(ConfigError, group, "the name of one that there is", repr(name), suggest(name, known))
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


def _missing(config: DictConfig) -> set[str]:
    return {key for key in OmegaConf.missing_keys(config) if not key.startswith("hydra")}


def _targets(value: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        if "_target_" in value:
            yield where or "the whole", value["_target_"]
        for key, inner in value.items():
            yield from _targets(inner, f"{where}.{key}" if where else str(key))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _targets(inner, f"{where}[{i}]")


def _allowed(where: str, target: Any, trusted: Sequence[str]) -> None:
    """A class, or its own classmethod, of this toolkit or of a module trusted on the command line."""
    homes = ("causal", *trusted)
    target = _dotted(where, target)

    def at_home(module: str | None) -> bool:
        return any(f"{module}.".startswith(f"{home}.") for home in homes)

    if not at_home(target):
        raise refusal(
            ConfigError, where, "a class of this toolkit", str(target), "a class of your own is allowed with  --trust FOLDER_OR_MODULE  on the command line"
        )
    found = _resolve(where, target)
    owner = found if inspect.isclass(found) else getattr(found, "__self__", None) if inspect.ismethod(found) else None
    if not inspect.isclass(owner):
        raise refusal(ConfigError, where, "a class, or its classmethod", f"{target}, which is neither", "name the class")
    if not at_home(owner.__module__) or not at_home(getattr(found, "__module__", None)):
        raise refusal(
            ConfigError,
            where,
            "a class of a module that is trusted",
            f"{target}, which is defined in {owner.__module__}",
            "name it by where it is defined, and trust that with  --trust",
        )


def _dotted(where: str, target: Any) -> str:
    """The name of a class, which must be a text."""
    if not isinstance(target, str):
        raise refusal(ConfigError, f"{where}: _target_", "the dotted name of a class", repr(target), "write  PACKAGE.MODULE.CLASS")
    return target


def _resolve(where: str, target: Any) -> Callable[..., Any]:
    parts = _dotted(where, target).split(".")
    for at in range(len(parts) - 1, 0, -1):
        try:
            found: Any = import_module(".".join(parts[:at]))
        except ModuleNotFoundError as problem:
            if problem.name and (".".join(parts[:at]) + ".").startswith(problem.name + "."):
                continue
            raise refusal(
                ConfigError, where, "a module that can be imported", f"{target}, which needs the module {problem.name!r}, which is not installed", "install it"
            ) from problem
        for part in parts[at:]:
            found = getattr(found, part, None)
        if found is None:
            raise refusal(
                ConfigError, where, f"a name in {'.'.join(parts[:at])}", f"{'.'.join(parts[at:])!r}, which it does not have", "look at how it is written"
            )
        return found  # type: ignore[no-any-return]
    raise refusal(ConfigError, where, "a module that there is", repr(parts[0]), "name a folder with your own modules with  --trust FOLDER")


def trust(names: Sequence[str]) -> list[str]:
    """Whose classes may be made: the modules of trusted folders, which go to the end of the import path, and modules that are installed.

    Parameters
    ----------
    names : folders with Python modules, or dotted names of modules.

    Returns
    -------
    modules : dotted names; what lies in or below them is trusted, and nothing beside them.

    Raises
    ------
    ConfigError : neither a folder with modules nor a module that can be imported; a folder's module is called like an installed one.
    """
    modules = []
    for name in names:
        folder = Path(name)
        if name and folder.is_dir():
            inside = sorted({path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")})
            here = [one for one in inside if one.isidentifier() and one != "__init__"]
            if not here:
                raise refusal(
                    ConfigError, f"--trust {name}", ".py files, or packages with an __init__.py", "a folder with no module", "name the folder that holds them"
                )
            if (folder / "hydra_plugins").exists():
                raise refusal(
                    ConfigError,
                    f"--trust {name}",
                    "a folder of classes that are named",
                    "one with hydra_plugins, which would be run by Hydra unasked",
                    "move it elsewhere",
                )
            for one in here:
                _own(name, one, folder)
            if (path := str(folder.resolve())) not in sys.path:
                sys.path.append(path)  # after all that is installed, which it cannot stand in for
            modules += here
        elif re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*", name) and installed(name):
            modules.append(name)
        else:
            raise refusal(
                ConfigError,
                "--trust",
                "a folder with Python modules or the name of a module that can be imported",
                f"{name!r}, which is neither",
                "look at how it is written",
            )
    return modules


def _own(name: str, module: str, folder: Path) -> None:
    """A folder's module must be found in that folder, and nowhere before it."""
    spec = find_spec(module)
    if spec is not None and (spec.origin is None or folder.resolve() not in Path(spec.origin).resolve().parents):
        raise refusal(
            ConfigError,
            f"--trust {name}",
            "modules with names of their own",
            f"{module!r}, called like one that is installed, which would be trusted in its place",
            "rename it",
        )
