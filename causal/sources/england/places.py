"""Who is who: one authority under all the codes it was printed with, and one place through every reorganisation from 2009 to 2023.

The key is DfE's three-digit code. Publications also print ONS's GSS codes (which change when a boundary or a rank does), MHCLG's E-codes, districts
below an authority, or just a name. Codes are told from what the files themselves print side by side; what no file here says is written down below.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from causal.sources.england.book import said
from causal.sources.england.extract import ENGLAND

# The same place under a code from before or after the one in DfE's release of 2022. E10000022 is MHCLG's misprint for North Yorkshire (outturn 2017-18).
GSS_ALIASES = {
    "E06000048": "929", "E06000057": "929", "E08000020": "390", "E08000037": "390", "E08000016": "370", "E08000038": "370",
    "E08000019": "373", "E08000039": "373", "E10000002": "825", "E06000060": "825", "E10000022": "815", "E10000023": "815",
    "E06000065": "815", "E10000027": "933", "E06000066": "933", "E10000009": "835", "E06000029": "836", "E06000028": "837",
    "E06000059": "838", "E06000058": "839", "E10000021": "928", "E06000061": "940", "E06000062": "941", "E10000006": "909",
    "E06000063": "942", "E06000064": "943",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Reorganisation:
    """One place whose authorities changed: `before` up to the year ending 31 March `until`, `after` from the year after."""

    unit: str
    name: str
    new_la_code: str
    before: frozenset[str]
    after: frozenset[str]
    until: int


REORGANISATIONS = (
    Reorganisation(
        unit="835", name="Dorset, Bournemouth, Christchurch and Poole", new_la_code="E10000009+E06000028+E06000029",
        before=frozenset({"835", "836", "837"}), after=frozenset({"838", "839"}), until=2019,
    ),
    Reorganisation(
        unit="928", name="Northamptonshire", new_la_code="E10000021", before=frozenset({"928"}), after=frozenset({"940", "941"}), until=2021,
    ),
    Reorganisation(
        unit="909", name="Cumbria", new_la_code="E10000006", before=frozenset({"909"}), after=frozenset({"942", "943"}), until=2023,
    ),
)  # fmt: skip
UNIT = {code: one.unit for one in REORGANISATIONS for code in one.before | one.after}
GONE = re.compile(r" \(Pre LGR?\)$")  # how one publication marks an authority that local government reorganisation ended
CODES = frozenset(  # every authority from April 2009 on: a code beside these is a slip, whoever prints it
    map(
        str,
        (
            201, 202, 203, 204, 205, 206, 207, 208, 209, 210, 211, 212, 213, 301, 302, 303, 304, 305, 306, 307, 308, 309, 310, 311, 312, 313,
            314, 315, 316, 317, 318, 319, 320, 330, 331, 332, 333, 334, 335, 336, 340, 341, 342, 343, 344, 350, 351, 352, 353, 354, 355, 356,
            357, 358, 359, 370, 371, 372, 373, 380, 381, 382, 383, 384, 390, 391, 392, 393, 394, 420, 800, 801, 802, 803, 805, 806, 807, 808,
            810, 811, 812, 813, 815, 816, 821, 822, 823, 825, 826, 830, 831, 835, 836, 837, 838, 839, 840, 841, 845, 846, 850, 851, 852, 855,
            856, 857, 860, 861, 865, 866, 867, 868, 869, 870, 871, 872, 873, 874, 876, 877, 878, 879, 880, 881, 882, 883, 884, 885, 886, 887,
            888, 889, 890, 891, 892, 893, 894, 895, 896, 908, 909, 916, 919, 921, 925, 926, 928, 929, 931, 933, 935, 936, 937, 938, 940, 941,
            942, 943,
        ),
    )
)  # fmt: skip
ENDED_2009 = {"820": "Bedfordshire", "875": "Cheshire"}  # split in April 2009, before any panel here begins
TOO_SMALL = {"201": "City of London", "420": "Isles of Scilly"}
LONDON = {"E13000001", "E13000002"}  # Inner and Outer London, as DfE prints them


def stood(code: str, year: int) -> bool:
    """Whether an authority existed at 31 March of a year.

    Parameters
    ----------
    code : DfE's, three digits.
    year : ended 31 March.
    """
    one = next((each for each in REORGANISATIONS if code in each.before | each.after), None)
    return one is None or (code in one.before and year <= one.until) or (code in one.after and year > one.until)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Places:
    """Every code known.

    Parameters
    ----------
    gss : GSS code → DfE code, aliases of all years included.
    links : any other code (E-code, district) → GSS code of the authority.
    names : name, lower case → DfE code.
    table : indexed by DfE code: `name`, `region`, `region_code`, `old_la_code`, `new_la_code`; units of places that were reorganised among them.
    """

    gss: Mapping[str, str]
    links: Mapping[str, str]
    names: Mapping[str, str]
    table: pd.DataFrame
    merged: bool

    def valid(self, code: str, year: int) -> bool:
        """Whether the panel has this place in this year: all years where places are merged, else from and until its reorganisation.

        Parameters
        ----------
        code : DfE's, three digits.
        year : ended 31 March.
        """
        return self.merged or stood(code, year)

    def name(self, code: str) -> str:
        """An authority's name, also of one that is part of a place here."""
        if code in self.table.index and (not self.merged or code not in UNIT):
            return str(self.table["name"][code])
        if printed := next((name.title() for name, one in self.names.items() if one == code), ""):
            return printed
        # an authority whose name another one had before it stands under that of the place that it is part of
        unit = UNIT.get(code, code)
        return str(self.table["name"][unit]) if unit in self.table.index else code

    @classmethod
    def of(cls, authorities: pd.DataFrame, links: Mapping[str, str], *, merged: bool) -> Places:
        """From what the files say of authorities; the latest year that prints a name or region gives it.

        Parameters
        ----------
        authorities : columns of `Extract.authorities`.
        links : any other code → GSS code.
        merged : whether places that were reorganised are one place in all years (835, 928, 909); otherwise each authority stands by itself.
        """
        latest = authorities.sort_values("year", ascending=False, kind="stable")
        gss, names, table = dict(GSS_ALIASES), dict[str, str](), dict[str, dict[str, str]]()
        for old, new, said_name, region_code, region, _ in latest.itertuples(index=False):
            if old not in CODES:
                continue
            name = GONE.sub("", said_name)
            if re.fullmatch(r"E\d{8}", new):
                gss.setdefault(new, old)
            names.setdefault(plain(name), old)
            if region_code in LONDON:
                region, region_code = "London", "E12000007"
            row = table.setdefault(old, {"name": name, "region": "", "region_code": "", "old_la_code": old, "new_la_code": ""})
            for key, value in (("region", region), ("region_code", region_code), ("new_la_code", new)):
                row[key] = row[key] or value
        for old, new, name, region_code, region, _ in latest.itertuples(index=False):  # lookups that print no DfE code fill what is still empty
            code = gss.get(new, "") if not old else ""
            if code in table:
                names.setdefault(plain(name), code)
                table[code]["region"], table[code]["region_code"] = table[code]["region"] or region, table[code]["region_code"] or region_code
        if merged:
            for one in REORGANISATIONS:
                parts = [table[code] for code in sorted(one.before | one.after) if code in table]
                if parts:
                    table[one.unit] = {**parts[0], "name": one.name, "old_la_code": one.unit, "new_la_code": one.new_la_code}
                    for code in (one.before | one.after) - {one.unit}:
                        table.pop(code, None)
        frame = pd.DataFrame.from_dict(table, orient="index", columns=["name", "region", "region_code", "old_la_code", "new_la_code"]).sort_index()
        return cls(gss=gss, links=dict(links), names=names, table=frame, merged=merged)

    def code(self, printed: str) -> str | None:
        """DfE code of a place as printed: a DfE, GSS, E- or district code, or a name; `ENGLAND` is itself. None if no lookup knows it."""
        words = said(printed)
        if words == ENGLAND:
            return ENGLAND
        words = self.links.get(words, words)
        code = self.gss.get(words, words)
        code = self.names.get(plain(code), code)
        known = code in self.table.index or code in UNIT
        return code if known else None


def plain(name: str) -> str:
    """A name for comparing: lower case, "&" and punctuation gone, "upon" and the like kept."""
    words = re.sub(r"[^a-z ]", " ", name.lower().replace("&", " and ").replace("st.", "st"))
    words = re.sub(r"\b(city of|county of|royal borough of|the|ua|county|city|borough)\b", " ", words)
    return " ".join(words.replace(" and ", " ").split())
