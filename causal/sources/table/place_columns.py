"""Whose rows these are: which columns say so, names that differ only in how they are written, and rows that are the sum of the others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from causal.sources.table.cells import Numbers, words
from causal.sources.table.file import Sheet
from causal.sources.table.periods import kind_and_year
from causal.sources.table.problem import Problem, Remedy
from causal.words import count, listed

SHOWN = 4
LOOKED_AT = 5_000  # rows in which keys are looked for
# what columns of authorities and years are often called, best first; names are compared in lower case, without spaces and signs
AUTHORITIES = (
    "authority", "localauthority", "lanumber", "laandregions",
    "authoritycode", "localauthoritycode", "lacode", "newlacode", "ladcode", "areacode", "area", "utlacode", "ltlacode",
    "onscode", "gsscode", "ecode", "laname", "areaname", "ladname", "localauthorityname", "council", "county", "countyfips", "countyreal", "fips", "statefips",
    "stfips", "state", "statename", "province", "municipality", "district", "region", "country", "countryname", "iso", "iso3", "code", "geography",
    "geographycode", "school", "hospital", "firm", "unit", "unitid", "panelid", "id", "nr", "name", "place", "city", "commune", "canton", "department",
)  # fmt: skip
YEARS = (
    "year",
    "yr",
    "years",
    "timeperiod",
    "financialyear",
    "fiscalyear",
    "academicyear",
    "period",
    "date",
    "quarter",
    "month",
    "time",
    "t",
    "wave",
    "season",
)
CODED = re.compile(r"(lad|utla|ltla|ctyua|cty|rgn|la|area|ons|wd|msoa|lsoa|ccg)\d{0,2}(cd|code|nm|name)")
TOTALS = re.compile(
    r"(grand |overall |sub-?)?totals?|all( (areas|authorities|local authorities|councils|places|regions|states|counties))?|sum|(all|whole) .{0,12}total",
    re.IGNORECASE,
)
NATIONS = re.compile(r"england|wales|scotland|great britain|united kingdom|uk|gb|united states( of america)?|usa|us|national|nation|country", re.IGNORECASE)
LEVELS = {
    "E92": "England", "E12": "a region", "E13": "part of London", "K02": "the United Kingdom", "K03": "Great Britain", "K04": "England and Wales",
    "W92": "Wales", "S92": "Scotland", "N92": "Northern Ireland",
}  # fmt: skip
LOCAL = re.compile(r"(E0[6-9]|E10|W06|S12|N09)\d{6}")


# ---------------------------------------------------------------- which columns
def guessed(sheet: Sheet, *, authority: str | None = None, year: str | None = None) -> dict[str, str]:
    """The columns that seem to say who and when, under `authority` and `year`; fewer where none does.

    Parameters
    ----------
    sheet : headings and rows.
    authority, year : columns already known, which are taken as they are.
    """
    rows = sheet.rows[:LOOKED_AT]
    if len([name for name in sheet.header if name]) < 2 or any(sheet.header.count(one) > 1 for one in (authority, year) if one):
        return {}  # a heading that stands twice is told by itself, and says neither who nor when
    texts = {name: [words(row[j]) for row in rows] for j, name in enumerate(sheet.header) if name and sheet.header.count(name) == 1}
    when = [year] if year else [name for name, column in texts.items() if name != authority and _is_time(name, column)]
    when.sort(key=lambda name: _rank(name, YEARS))
    who = [authority] if authority else [name for name, column in texts.items() if _is_who(name, column)]
    who.sort(key=lambda name: 0 if CODED.fullmatch(_plain(name)) and _plain(name).endswith(("cd", "code")) else 1 + _rank(name, AUTHORITIES))

    def distinct(names: Sequence[str]) -> bool:
        tuples = list(zip(*(texts[name] for name in names), strict=True))
        return len(set(tuples)) == len(tuples)

    if not authority:
        who = [name for name in who if name not in when]
        # a code that each year has once, under a name that nobody foresaw (sid, fcode)
        who += [name for name in texts if name not in (*who, *when) and when and _comes_again(texts[name]) and distinct((name, when[0]))]
    named = [(a, t) for a in who for t in when if a != t]
    for a, t in named:  # the pair of which each row has its own, if there is one; else the best names
        if distinct((a, t)) and len(set(texts[a])) < len(rows):
            return {"authority": a, "year": t}
    if named:
        return dict(zip(("authority", "year"), named[0], strict=True))
    alone = next((a for a in who if distinct((a,))), who[0] if who else None)
    return ({"authority": alone} if alone else {}) | ({"year": when[0]} if when else {})


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()


def _rank(name: str, known: Sequence[str]) -> int:
    plain = _plain(name)
    return known.index(plain) if plain in known else len(known)


def _is_time(name: str, column: Sequence[str]) -> bool:
    """Years, quarters or dates in every row; whole years and waves only under a name that says so, or between 1850 and 2100 with few of them."""
    kinds = {kind_and_year(text) for text in set(column)}
    sorts = {kind for kind, _ in kinds}
    called = _plain(name) in YEARS or bool(re.search(r"(year|yr)$", name.lower()))
    if called and "" in sorts and sum(bool(kind_and_year(text)[0]) for text in column) > len(column) / 2:
        return True  # years under a name that says so, with some that are none: better told row by row than not seen
    if not sorts or "" in sorts:
        return False
    if sorts == {"whole"}:
        years = [year for _, year in kinds]
        return all(1850 <= year <= 2100 for year in years) and (called or (1 < len(years) <= 60 and max(years) - min(years) <= 2 * len(years)))
    return called and len(sorts) == 1 and len(kinds) > 1


def _comes_again(column: Sequence[str]) -> bool:
    """Words or whole numbers of which each stands in about as many rows as any other, and in two or more."""
    counts = list(Counter(column).values())
    whole = all(re.fullmatch(r"\d{1,9}|.*[A-Za-z].*", text) for text in column)
    return whole and len(counts) > 3 and min(counts) > 1 and max(counts) <= 2 * min(counts)


def _is_who(name: str, column: Sequence[str]) -> bool:
    """Codes or names that come again, under a name that says so or in words."""
    plain = _plain(name)
    if plain in AUTHORITIES or CODED.fullmatch(plain):
        return len(set(column)) > 3 or any(re.search(r"[A-Za-z]", text) for text in column)
    wordy = sum(bool(re.search(r"[A-Za-z]", text)) for text in column) > 0.9 * len(column)
    return wordy and len(set(column)) > 5 and (plain.endswith(("code", "id", "name")) or len(set(column)) > 0.02 * len(column))


# ---------------------------------------------------------------- written otherwise
def loose(key: str) -> str:
    """A key without what people write differently: capitals, spaces of any kind, hyphens and leading zeros."""
    plain = re.sub(r"[\s\u00a0\u200b\u2010-\u2015_.'’-]+", "", key.casefold()).replace("&", "and")
    return re.sub(r"(?<!\d)0+(?=\d)", "", plain)


def spelt_apart(keys: pd.DataFrame, text: str = "") -> Problem | None:
    """Authorities that differ only in how they are written and never stand in one year together.

    Parameters
    ----------
    keys : `authority` and `year`.
    text : where they stand, for the sentence.
    """
    authority = keys["authority"]
    forms = pd.Series({key: loose(key) for key in authority.unique() if key})
    apart = []
    for plain, mine in forms.groupby(forms):
        if len(mine) > 1:
            years = [set(keys.loc[authority == key, "year"]) for key in mine.index]
            if sum(map(len, years)) == len(set().union(*years)):
                apart.append((str(plain), list(mine.index)))
    if not apart:
        return None
    pairs = ", ".join(" / ".join(map(repr, spellings)) for _, spellings in apart[:SHOWN])
    more = f", and {len(apart) - SHOWN} more" if len(apart) > SHOWN else ""
    what = (
        f"{count(len(apart), 'authority stands', 'authorities stand')} under names that differ only by zeros, spaces, hyphens or capitals "
        f"and never meet in a year"
        f"{text}: {pairs}{more}"
    )
    remedies = (Remedy(knobs={"loose_keys": True}, does="takes them as one"), Remedy(knobs={"loose_keys": False}, does="as several"))
    return Problem(text=what, kind="loose", remedies=remedies, sure=True)


def joined_spellings(authority: pd.Series) -> pd.Series:
    """Authorities by the longest of their spellings, which has the zeros and spaces that the others lost."""
    forms = pd.Series({key: loose(key) for key in authority.unique()}, dtype=object)
    best = {plain: max(mine.index, key=lambda key: (len(key), sum(letter.isupper() for letter in key), key)) for plain, mine in forms.groupby(forms)}
    return authority.map({key: best[plain] for key, plain in forms.items()})


# ---------------------------------------------------------------- totals
def totals(keys: pd.DataFrame, names: pd.Series, numbers: Mapping[str, Numbers], column: str) -> tuple[Problem | None, str]:
    """Rows that are the sum of the others, or say that they are a total; a note where a name alone hints at one.

    Parameters
    ----------
    keys : `authority` and `year`.
    names : the name of each row's authority, or its code.
    numbers : column → its numbers, same rows.
    column : the column of authorities.
    """
    authority = keys["authority"]
    codes = list(authority.unique())
    if len(codes) < 4:
        return None, ""
    label = {code: str(name) for code, name in zip(authority, names, strict=True)}
    local = sum(bool(LOCAL.fullmatch(code)) for code in codes) > len(codes) / 2
    found: dict[str, str] = {}
    for code in codes:
        if local and code[:3] in LEVELS and not LOCAL.fullmatch(code):
            found[code] = f"by its code {LEVELS[code[:3]]}"
        elif TOTALS.fullmatch(code.strip()) or TOTALS.fullmatch(label[code].strip()):
            found[code] = "by its name a total"
    hinted = [code for code in codes if code not in found and (NATIONS.fullmatch(code.strip()) or NATIONS.fullmatch(label[code].strip()))]
    for code, what in _sums(keys, numbers, without=set(found)).items():
        found[code] = f"{what}{' (and by its name a total)' if code in found else ''}"
    if found:
        shown = listed([f"{code!r} ({why})" for code, why in list(found.items())[:SHOWN]]) + (f" and {len(found) - SHOWN} more" if len(found) > SHOWN else "")
        remedies = (Remedy(knobs={"leave_out": list(found)}, does="leaves them out"), Remedy(knobs={"leave_out": []}, does="keeps every row"))
        what = f"column {column!r}: {count(len(found), 'authority is', 'authorities are')} no place beside the others: {shown}"
        return Problem(text=what, kind="totals", remedies=remedies, sure=True), ""
    others = sum(bool(NATIONS.fullmatch(label[code].strip())) for code in codes)
    if hinted and others == 1 and len(codes) > 10:
        return (
            None,
            f"{label[hinted[0]]!r} stands among {len(codes) - 1} others: if it is their total or mean, leave it out with source.leave_out=[{hinted[0]}]",
        )
    return None, ""


def _sums(keys: pd.DataFrame, numbers: Mapping[str, Numbers], without: set[str]) -> dict[str, str]:
    """Authorities whose number is the sum of all the others', to rounding, in every year and in a column where that cannot be chance."""
    found: dict[str, str] = {}
    hits: Counter[str] = Counter()
    looked = 0
    if keys.duplicated(["authority", "year"]).any():  # told elsewhere
        return found
    who, codes = pd.factorize(keys["authority"], sort=True)
    when, years = pd.factorize(keys["year"], sort=True)
    there = (who >= 0) & (when >= 0)
    counts = ~np.isin(codes, list(without))
    for column, mine in numbers.items():
        if mine.unit == "%":
            continue
        own = np.full((len(years), len(codes)), np.nan)
        own[when[there], who[there]] = mine.values.to_numpy(dtype=float)[there]
        own[~np.isfinite(own)] = np.nan
        known = ~np.isnan(own)
        counted = np.where(known & counts, own, 0.0)
        rest = counted.sum(axis=1, keepdims=True) - counted
        size = np.sort(np.abs(counted), axis=1)
        largest = np.where(np.abs(counted) == size[:, -1:], size[:, -2:-1], size[:, -1:])  # of the others
        with np.errstate(invalid="ignore"):
            close = np.abs(own - rest) <= 2e-3 * np.abs(own)
            above = np.abs(own) > (1.0 if len(own) > 1 else 1.5) * largest
        enough = (counted != 0).sum(axis=1, keepdims=True) > 3
        sums = (known.any(axis=0)) & np.where(known, close & above & enough & (own != 0), True).all(axis=0)
        looked += 1
        for code in codes[sums]:
            hits[str(code)] += 1
            found.setdefault(str(code), f"its {column} is the sum of the others'")
    # in one year a sum may be chance: it must hold in a second column, where there is one
    return found if keys["year"].nunique() > 1 or looked < 2 else {code: what for code, what in found.items() if hits[code] > 1}
