"""Numbers into words: signs, units, plurals, and rounding that never makes a range exclude what it includes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal


def places(scale: float) -> int:
    """Decimal places that show about three significant figures of a quantity of this size."""
    if not scale or not math.isfinite(scale):
        return 1
    return int(min(6, max(0, 2 - math.floor(math.log10(abs(scale))))))


def signed(value: float, decimals: int) -> str:
    """+3.1 or −0.4 (a true minus sign); a value that rounds to nothing has no sign.

    Parameters
    ----------
    value : any unit.
    decimals : digits after the point.
    """
    text = f"{abs(value):,.{decimals}f}"
    zero = not any(digit in text for digit in "123456789")
    return text if zero else ("+" if value > 0 else "−") + text


def span(lower: float | None, upper: float | None, decimals: int) -> str:
    """A range, rounded outwards.

    Parameters
    ----------
    lower, upper : ends in one unit; None where no valid interval is known, infinite where it has no end.
    decimals : digits after the point.
    """
    if lower is None or upper is None:
        return "no valid range is known"
    if not (math.isfinite(lower) and math.isfinite(upper)):
        return "unbounded"
    step = 10.0**-decimals
    return f"{signed(math.floor(lower / step + 1e-9) * step, decimals)} to {signed(math.ceil(upper / step - 1e-9) * step, decimals)}"


def years_later(lag: int) -> str:
    """The outcome's date, as an adverb."""
    numbers = {0: "in the same year", 1: "one year later", 2: "two years later", 3: "three years later", 4: "four years later", 5: "five years later"}
    return numbers.get(lag, f"{lag} years later")


def kept_up(family: str | None, horizon: int | None) -> str:
    """ ", once kept up for 2 years": behind the outcome's date, where the effect is that of more years than one; "" otherwise.

    Parameters
    ----------
    family : of the estimand.
    horizon : years that it was kept up.
    """
    return f", once kept up for {horizon} years" if family == "kept_up" and horizon is not None and horizon > 1 else ""


def units(number: int, years: Sequence[int]) -> str:
    """148 authorities; of a cross-section, whose rows may be people as well, 401 units.

    Parameters
    ----------
    number : how many.
    years : of the panel.
    """
    return count(number, "unit") if crossed(years) else count(number, "authority", "authorities")


def written(number: float) -> str:
    """1,000,000, 0.5 or 0.000001: a number that somebody wrote down, to six figures, never as a power of ten; 3.6 trillion."""
    if words := in_words(float(f"{abs(number):.6g}")):
        return f"{'−' if number < 0 else ''}{words}"
    text = f"{Decimal(f'{number:.6g}'):,f}"
    return text.replace("-", "−")


def in_words(number: float) -> str:
    """3.6 trillion: from a thousand million on a number of at least 0 is read by its word; "" for a smaller one, and for what no word is long enough."""
    for size, word in ((1e12, "trillion"), (1e9, "billion")):
        if size <= number < 1e18:
            return f"{number / size:,.9f}".rstrip("0").rstrip(".") + f" {word}"
    return ""


def count(number: int, noun: str, plural: str | None = None) -> str:
    """1 row, 2 rows, 1,184 rows.

    Parameters
    ----------
    number : how many.
    noun : one of them.
    plural : several; None puts an s behind the noun.
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def counted_rows(number: int, years: Sequence[int]) -> str:
    """1,184 authority-years; of a cross-section, whose only year is 0, 401 units.

    Parameters
    ----------
    number : of rows.
    years : of the panel.
    """
    return count(number, "unit" if crossed(years) else "authority-year")


def crossed(years: Sequence[int]) -> bool:
    """Whether the years are those of a cross-section, which has none: its only one is 0."""
    return len(years) > 0 and all(int(year) == 0 for year in years)


def over_years(years: Sequence[int]) -> str:
    """2012 to 2019, 2012, or no year."""
    if not len(years) or crossed(years):
        return "no year"
    return str(int(years[0])) if len(years) == 1 else f"{int(years[0])} to {int(years[-1])}"


def listed(items: list[str] | tuple[str, ...]) -> str:
    """a, b and c."""
    items = list(items)
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1] if items else ""


def capital(text: str) -> str:
    """First letter upper case, the rest as it is."""
    return text[:1].upper() + text[1:]


MOST_FINER = 6  # digits by which an end may go finer than the step
Shown = tuple[float, int]  # a rounded number and the decimal places that show it


LEAST_STEP, LARGEST = 1e-300, 300  # powers of ten that a double can hold with room for rounding


def rounding_step(lower: float, upper: float) -> float:
    """The step to which an estimate and its range are rounded: the largest power of ten of at most a tenth of the range.

    Parameters
    ----------
    lower, upper : the range, finite.
    """
    reach = (upper - lower) / 10 or max(abs(lower), abs(upper)) / 100
    if not LEAST_STEP < reach < math.inf:  # nothing, or so little that no step could be told from it
        return 0.1 if reach < 1 else 10.0**LARGEST
    return float(10.0 ** math.floor(math.log10(reach) + 1e-12))


def rounded(effect: float, lower: float, upper: float, lines: tuple[float, ...] = (0.0,)) -> tuple[Shown, Shown, Shown]:
    """Estimate to the nearest step and the ends of its range outwards, once; an end that would come to lie on or beyond a line goes finer until it does not.

    Parameters
    ----------
    effect, lower, upper : the estimate and its finite range.
    lines : numbers that decide a word (0, and the smallest important effect both ways).

    Returns
    -------
    effect, lower, upper : each with the decimal places that show it.
    """
    step = rounding_step(lower, upper)
    return (round(effect / step) * step, _places(step)), _end(lower, step, lines, down=True), _end(upper, step, lines, down=False)


def _end(value: float, step: float, lines: tuple[float, ...], *, down: bool) -> Shown:
    for finer in range(MOST_FINER + 1):
        size = step / 10**finer
        made = math.floor(value / size + 1e-9) * size if down else math.ceil(value / size - 1e-9) * size
        if not any(value > line >= made - 1e-9 * size if down else value < line <= made + 1e-9 * size for line in lines):
            break
    return made, _places(size)


def _places(step: float) -> int:
    return max(0, -round(math.log10(step)))
