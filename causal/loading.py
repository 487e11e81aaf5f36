"""`causal.load`: the study that the same words make on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from causal.errors import ConfigError, refusal
from causal.offered import no_bare_words, own_names
from causal.study import Study


def load(*words: str, config_dir: str | Path | Sequence[str | Path] = (), trust: str | Sequence[str] = ()) -> Study:
    """The study of a configuration: `causal.load("experiment=closures", "seed=7")` is what `causal run experiment=closures seed=7` runs.

    Parameters
    ----------
    *words : overrides, as on the command line, one text each, without a shell's quotes.
    config_dir : folders of your own with experiment/, graph/, …; as  --config-dir.
    trust : folders or modules of your own classes; as  --trust.

    Returns
    -------
    study : a value; `causal.run(study)` gives the answer of the command line, to the bit.

    Raises
    ------
    ConfigError : a word that is no override, or a choice, key or value that does not exist or does not fit.

    Examples
    --------
    >>> study = load("experiment=closures", "seed=7")
    >>> study.question.treatment, study.seed
    ('closures', 7)
    """
    if odd := [word for word in words if not isinstance(word, str)]:
        raise refusal(ConfigError, "load", "overrides as texts", repr(odd[0]), 'load("experiment=closures", "seed=7")')
    if how := [word for word in words if word.startswith("-") or word.partition("=")[0] in ("workers", "backend", "scheduler", "runs", "protocol")]:
        raise refusal(
            ConfigError, "load", "what is asked", f"{how[0]}, which says how to run", "give it on the command line, or as an argument of run and of report"
        )
    folders = [Path(one).resolve() for one in ([config_dir] if isinstance(config_dir, str | Path) else config_dir)]
    own_names(folders)
    no_bare_words("run", words, folders)
    compose = import_module("causal.experiments.compose")  # the one step up, as the command line takes it
    study: Study = compose.study_from(compose.composed(list(words), folders), compose.trust([trust] if isinstance(trust, str) else list(trust)))
    return study
