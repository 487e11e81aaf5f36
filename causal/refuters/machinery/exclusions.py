"""What an interval rules out, of all that the verdict's table asks about, and what another one leaves open."""

from __future__ import annotations

from causal.question import Question


def ruled_out(question: Question, lower: float, upper: float) -> tuple[str, ...]:
    """What an interval excludes, of all that the verdict's table asks about.

    Parameters
    ----------
    question : its δ.
    lower, upper : ends of the interval, outcome units.
    """
    least = question.smallest_important
    claims = {
        "no effect at all": lower > 0 or upper < 0,
        "an important increase": upper < least,
        "an important reduction": lower > -least,
        "an effect too slight to matter": lower >= least or upper <= -least,
    }
    return tuple(words for words, holds in claims.items() if holds)


def left_open(question: Question, usual: tuple[float, float], other: tuple[float, float]) -> tuple[str, ...]:
    """What the usual interval rules out and another one does not.

    Parameters
    ----------
    question : its δ.
    usual, other : (lower, upper), outcome units.
    """
    kept = ruled_out(question, *other)
    return tuple(words for words in ruled_out(question, *usual) if words not in kept)
