"""From a configuration to a study: each `_target_` becomes the class that it names, each class the thing that its knobs make.

Only classes of this toolkit are made, or of modules that the user trusts on the command line: a `_target_` is resolved and its own module looked at,
since a prefix proves nothing (a library may re-export what runs code).
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from causal.declared import TARGET, check_values
from causal.document import called
from causal.errors import CausalError, ConfigError, placed, refusal, suggest
from causal.experiments.gate import CONF, choices, installed, plain_values, portable
from causal.knobs import is_number
from causal.refuters import labels
from causal.study import Study
from causal.words import capital, written

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
    check_values("", Study, plain, class_at)
    study: Study = made_of(plain)
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
    check_values(group, class_at(group, asked[TARGET]), asked, class_at)
    return study_from(OmegaConf.create(plain), trusted), made_of(asked, group)


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


def _said_of(plain: dict[str, Any]) -> None:
    """Title and action that nobody wrote, from the names that the graph has for treatment and outcome and from the levels compared."""
    asked = plain.get("question")
    if not isinstance(asked, dict) or not {"title", "action"} & {key for key in ("title", "action") if plain.get(key, "") is None}:
        return
    graph = made_of(plain.get("graph"), "graph")
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


def made_of(value: Any, where: str = "") -> Any:
    """What plain values stand for, inside first: every mapping with a `_target_` is made by its class.

    Parameters
    ----------
    value : plain values.
    where : key of the configuration at which they stand, for messages; "" for the whole.

    Raises
    ------
    ConfigError : knobs that a class does not take.
    """
    if isinstance(value, list):
        return [made_of(inner, f"{where}[{at}]") for at, inner in enumerate(value)]
    if not isinstance(value, dict):
        return value
    parts = {key: made_of(inner, f"{where}.{key}" if where else str(key)) for key, inner in value.items() if key != TARGET}
    if TARGET not in value:
        return parts
    made = class_at(where, value[TARGET])
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
    taken = set(inspect.signature(class_at("estimator", made["_target_"])).parameters)
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
    found = class_at(where, target)
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


def class_at(where: str, target: Any) -> Callable[..., Any]:
    """What stands at an address, its module imported.

    Parameters
    ----------
    where : key of the configuration, for the message.
    target : dotted name, as `_target_` has it.

    Raises
    ------
    ConfigError : no text, a module that cannot be imported, a name that it does not have.
    """
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
