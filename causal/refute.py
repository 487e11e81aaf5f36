"""Attempts to refute an estimate: the protocol that every check keeps, and what is refused of one that does not.

A refuter is given a `causal.trial.Trial`, replaces something in the analysis and looks whether the answer behaves as a true one would; what it found is a
`causal.refutation.Refutation`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from causal.errors import ConfigError, of_another, placed, refusal
from causal.knobs import moved
from causal.refutation import FAMILIES, ROLES, Family, Refutation, Role, WrongField
from causal.trial import Setting, Trial


class Refuter(Protocol):
    """What stands on the shelf of checks.

    Its class says what it is before it runs: `family`, what it speaks of; `role`, what it is to the verdict (None: nothing of its own); `label`, its plain
    name for readers.

    Examples
    --------
    >>> from causal.configured import refuters
    >>> check = refuters(["leave_one_out"])["leave_one_out"]
    >>> check.name, check.family, check.label
    ('leave_one_out', 'stability', 'each place left out')
    """

    family: ClassVar[Family]
    role: ClassVar[Role | None]
    label: ClassVar[str]

    @property
    def name(self) -> str:
        """Its name on the shelf."""
        ...

    def unmet(self, setting: Setting) -> str | None:
        """What it needs and lacks here, known before any outcome is looked at, as a clause; None where it will run, as far as can be known."""
        ...

    def refute(self, trial: Trial, rng: np.random.Generator) -> Refutation:
        """Try to refute the trial's estimate; a check that cannot be run says so in its `Refutation`.

        Parameters
        ----------
        trial : the analysis as it was made, and the means of making it again.
        rng : the refuter's own stream.
        """
        ...


def must_say(name: str, refuter: Refuter) -> None:
    """Refuse a check whose class does not say, before it runs, what it is.

    Parameters
    ----------
    name : that it goes by in the study.
    refuter : the check.

    Raises
    ------
    ConfigError : no `refute` or `unmet`, no `name`, no `family` or one that there is none of, a `role` or `label` that is none; the message names the class.
    """
    who = f"refuters.{name}: the class {type(refuter).__module__}.{type(refuter).__qualname__}"
    for method, takes in (("refute", "trial, rng"), ("unmet", "setting")):
        if not callable(getattr(refuter, method, None)):
            raise refusal(
                ConfigError,
                who,
                f"a method {method}({takes}); unmet says what it lacks before it runs, None where nothing",
                "none, so it is no check",
                "write one",
            )
    for key, options in (("family", FAMILIES), ("role", (*ROLES, None))):
        value = getattr(refuter, key, "nothing")
        if value not in options:
            wanted = ", ".join(map(repr, options))
            raise refusal(ConfigError, who, f"{key}, one of {wanted}, which says what it is", repr(value), f"write  {key} = …  in the class")
    for key in ("name", "label"):
        value = getattr(refuter, key, None)
        if not isinstance(value, str) or not value.strip():
            raise refusal(
                ConfigError, who, f"its {'plain name for readers' if key == 'label' else 'name'}", repr(value), f"write  {key} = 'words'  in the class"
            )


def refuted(refuter: Refuter, trial: Trial, rng: np.random.Generator) -> Refutation:
    """What a check finds, with the fields that the verdict asks for.

    Parameters
    ----------
    refuter : the check.
    trial : the answer under examination.
    rng : its own stream.

    Raises
    ------
    ConfigError : no `Refutation`, another family or role than its class says, or a p-value without the level it was held at; the message names the class.
    """
    who = f"the check {refuter.name!r} ({type(refuter).__module__}.{type(refuter).__qualname__})"
    try:
        found = refuter.refute(trial, rng)
    except WrongField as problem:
        raise placed(ConfigError, who, problem) from None
    except Exception as problem:
        if (said := of_another(ConfigError, who, refuter, problem)) is None:
            raise
        raise said from problem
    if not isinstance(found, Refutation):
        raise refusal(ConfigError, who, "a causal.refutation.Refutation to be returned", repr(found), "return one")
    for key in ("family", "role"):
        own, said = getattr(refuter, key), getattr(found, key)
        if said not in (None, own):
            raise refusal(ConfigError, who, f"a Refutation with {key} {own!r}, as its class says", repr(said), "leave it out, and the class's is taken")
    if found.p_value is not None and found.survived is not None and found.level is None:
        raise refusal(ConfigError, who, f"a level beside p_value {found.p_value:g}", "none", "say at which rate it was held: level=0.05")
    return replace(found, family=refuter.family, role=refuter.role, label=found.label or refuter.label)


if not TYPE_CHECKING:  # for classes from outside that still import them from here
    __getattr__ = moved(
        __name__,
        {
            "causal.draws": (
                "in_parallel",
                "stream",
            ),
            "causal.refutation": ("Hidden",),
            "causal.trial": (
                "LostRefit",
                "fitted",
                "guarded",
            ),
        },
    )
