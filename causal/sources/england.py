"""England's local authorities as the published files tell them: one panel of 148 stable places, every column with a unit and a source.

The files stay as they were published, in a folder that the user names; `england_files` finds and opens them, `england_readers` has one
small reader for each publication. What is decided here, once and in the open:

- **A place is a place in all years.** Dorset, Bournemouth and Poole are one, and so are the two halves of Northamptonshire: 150 places.
  City of London and the Isles of Scilly are left out as too small to analyse: 148.
- **A year is the year ending 31 March.** Rates divide counts by children aged 0–17 in the middle of the year before, in one
  post-2011-Census series: ONS's from mid-2012; mid-2009 to mid-2011 are mid-2012 times the growth of ages 0–16 in Nomis.
- **Dose.** `centre_spending` is the share of 2010-11 real spending per child that remains; 0 is allowed, halving is −0.5. In 2010-11
  England spent about £430,000 (2017-18 prices) on each of 3,600 centres, so £20 per child in an authority of 60,000 children pays for
  three. Authorities at or below that `base_guard` recorded next to no Sure Start spending to cut (Peterborough £2, Wiltshire £7, Surrey
  £19; the median is £134 and the next lowest £31): they have no base, and no share. An authority whose share passes `ceiling` = 2 in any
  year has a base year that does not record what later years do (East Sussex trebled in 2011-12 while England fell by a fifth): all its
  shares are missing, since the fault is in the divisor of each. The next highest, 1.9, is left. Other jumps and zeros (Warrington 2014,
  Trafford from 2016, …) are left as recorded and counted in the notes.
- **Log, a sensitivity.** Missing at or below `log_guard` = £5 per child, less than one centre's cost in an authority of 60,000: there
  the log measures bookkeeping.
- **Child poverty.** HMRC's local measure counts children in families on out-of-work benefits, or on tax credits with an income below 60 %
  of the median; DWP's counts those below 60 % by tax records. Levels differ (they correlate about .75 between places), so they are
  chained, not mixed: HMRC's percentage to its snapshot of August 2015, then that times the growth of DWP's rate since. (HMRC's last
  snapshot, August 2016, is not used: where Universal Credit began early it misses claimants.) A snapshot at 31 August is put to the
  year that ended on the 31 March before (`snapshot_offset` = 0): it is the nearer year end, and a tax credit award in August rests for
  most families on the income of the tax year ended on 5 April. With 1 it counts for the year that it falls in, and 2011 has none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from causal.errors import ConfigError, DataError
from causal.panel import Loss, Panel, Variable
from causal.sources import england_readers as read
from causal.sources.england_files import BY_KEY, PUBLICATIONS, find, wanted

FIRST, LAST = 2010, 2021  # plans begin in 2010; the census of 2021 breaks the population series after mid-2020
BASE, CHAIN, PRICES = 2011, 2015, 2018  # base year of shares; last HMRC snapshot used; year whose prices "real" means

# Which publications each variable cannot do without, in the order of the panel's columns.
NEEDS: dict[str, tuple[str, ...]] = {
    "plans": ("plans", "children"),
    "plans_count": ("plans",),
    "children": ("children",),
    "referrals": ("referrals",),
    "section47": ("section47",),
    "centre_spend_per_child": ("s251", "deflator"),
    "centre_spending": ("s251", "deflator"),
    "log_centre_spending": ("s251", "deflator"),
    "closures": ("register",),
    "deprivation": ("imd",),
    "spending_power": ("spending_power", "deflator"),
    "child_poverty": ("hmrc", "dwp"),
    "grant_dependence": ("outturn", "e_codes"),
}


STANDING = (
    "years end on 31 March; rates are counts over one population series, so they differ a little from those printed at the time",
    "Dorset, Bournemouth and Poole are one place in all years, and so is Northamptonshire; averages of parts are weighted by children aged 0 to 17",
    "plans, referrals and enquiries of 2010 to 2012 are as first published, later ones as revised in 2022; counts from 1 to 5 are withheld and "
    "missing; 2010 was the first census and is weak (some authorities print no enquiries at all)",
    "spending power changes are rounded to 1 percentage point in the source: after eight years the chained index is good to about 1.5 points",
)

RECORDED = "centre spending as recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class England:
    """The folder of published files, and the few decisions that turn it into a panel (the module says why each).

    Parameters
    ----------
    path : folder with the published files, in any arrangement of subfolders.
    first_year, last_year : years ending 31 March to load; None: 2010 and 2019.
    centre_lines : which Sure Start lines of section 251 count as centre spending.
    base_guard : £ per child, 2017-18 prices; at or below it in 2010-11 an authority has no base.
    ceiling : a share above it in any year means that the base year was misrecorded.
    log_guard : £ per child, 2017-18 prices; at or below it the log is missing.
    snapshot_offset : 0 puts August Y to the year ended 31 March Y, 1 to the year ending 31 March Y+1.
    centres_base : centres open at 31 March of this year are followed for `closures`.
    """

    path: str
    first_year: int | None = None
    last_year: int | None = None
    centre_lines: tuple[str, ...] = ("individual", "area_wide", "management")
    base_guard: float = 20.0
    ceiling: float = 2.0
    log_guard: float = 5.0
    snapshot_offset: int = 0
    centres_base: int = 2010

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", str(self.path))
        object.__setattr__(self, "centre_lines", tuple(self.centre_lines))
        for key in ("first_year", "last_year"):
            value = getattr(self, key)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not FIRST <= value <= LAST):
                raise ConfigError(f"source.{key} must be a year from {FIRST} to {LAST} (or null), got {value!r}")
        if not self.years:
            raise ConfigError(f"source.first_year {self.first_year} is after source.last_year {self.last_year}")
        unknown = [line for line in self.centre_lines if line not in read.CENTRE_LINES]
        if unknown or not self.centre_lines or len(set(self.centre_lines)) < len(self.centre_lines):
            raise ConfigError(f"source.centre_lines must be some of {list(read.CENTRE_LINES)}, each once, got {list(self.centre_lines)}")
        for key, least in (("base_guard", 0.0), ("ceiling", 1.0), ("log_guard", 0.0)):
            value = getattr(self, key)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value < float("inf"):
                raise ConfigError(f"source.{key} must be a number of at least {least:g}, got {value!r}")
        if self.snapshot_offset not in (0, 1) or isinstance(self.snapshot_offset, bool):
            raise ConfigError(f"source.snapshot_offset must be 0 or 1 (years from a snapshot's calendar year), got {self.snapshot_offset!r}")
        if isinstance(self.centres_base, bool) or not isinstance(self.centres_base, int) or not 2003 <= self.centres_base <= LAST:
            raise ConfigError(f"source.centres_base must be a year from 2003 to {LAST}, got {self.centres_base!r}")

    @property
    def years(self) -> tuple[int, ...]:
        """Years of the panel, ending 31 March."""
        return tuple(range(self.first_year or FIRST, (self.last_year or 2019) + 1))

    def load(self) -> Panel:
        """Read the folder.

        Returns
        -------
        panel : (148 authorities × years); a variable whose publication is not in the folder is not a column, and a note that starts with its name says so.

        Raises
        ------
        DataError : no such folder, no plans or populations in it, or a file that is damaged or not as published; named with row and column.
        """
        found = find(self._folder)
        for key in ("plans", "children"):
            if not found[key]:
                raise DataError(f"{self.path}: this folder lacks {wanted(key)}. Without it there is no panel of England")
        absent = self._absent(found)
        raw = read.tidy(found["children"][0], None, {"children": "population_estimate"})
        places = read.Places.read(found["plans"][0], raw["children"])
        notes: list[str] = list(STANDING)
        log: list[Loss] = []

        out: dict[str, pd.Series] = {}
        out["children"] = _children(found, places, notes)
        for name, heading in (("plans", "CPP_At31"), ("referrals", "Referrals"), ("section47", "Section47")):
            if name not in absent:
                count = _counts(found, places, name, heading)
                if name == "plans":
                    out["plans_count"] = count
                out[name] = count / out["children"] * 10_000
        if "centre_spend_per_child" not in absent:
            out |= self._centres(found, places, out["children"], notes, log)
        if "closures" not in absent:
            out["closures"] = self._closures(found["register"][0], places, notes)
        every = pd.MultiIndex.from_product([places.table.index.difference(list(read.TOO_SMALL)), self.years], names=["authority", "year"])
        if "deprivation" not in absent:
            path = found["imd"][0]
            out["deprivation"] = _lasting(_whole(path, places.stable(read.imd_score(path, places), average=True), places)["score"], every)
        if "spending_power" not in absent:
            out["spending_power"] = _spending_power(found, places)
        if "child_poverty" not in absent:
            out["child_poverty"] = self._poverty(found, places, out["children"], notes)
        if "grant_dependence" not in absent:
            money = _whole(found["outturn"][0], places.stable(read.grant_share(found["outturn"][0], found["e_codes"][0], places)), places)
            out["grant_dependence"] = _lasting(money["grant"] / (money["grant"] + money["council_tax"]), every)

        small = [name for code, name in read.TOO_SMALL.items() if code in places.table.index]
        if small:
            log.insert(
                0,
                Loss(
                    step=f"{' and '.join(small)} left out: too few children to analyse",
                    rows=len(small) * len(self.years),
                    authorities=tuple(code for code in read.TOO_SMALL if code in places.table.index),
                ),
            )
        names = [name for name in NEEDS if name in out]
        recorded = next((note for note in notes if note.startswith(RECORDED)), "")
        frame = pd.DataFrame({name: out[name].reindex(every).astype(float) for name in names}, index=every)
        return Panel(
            frame=frame,
            variables=tuple(replace(self._variable(name), caution=recorded if "centre_spend" in name else "") for name in names),
            places=places.table.loc[frame.index.unique("authority")],
            title="local authorities in England, published statistics",
            population="children",
            log=tuple(log),
            notes=(*notes, *absent.values()),
        )

    def missing(self, name: str) -> str | None:
        """Why a variable that England's publications could give is not in this folder; None if it is there, or if no publication read here has it."""
        return self._absent(find(self._folder)).get(name)

    def check(self) -> list[str]:
        """File by file: what each is recognised as and gives; what is missing; and the first problem met in reading them."""
        try:
            found = find(self._folder)
        except DataError as error:
            return [f"problem: {error}"]
        known = {path: key for key, files in found.items() for path in files.values()}
        lines = []
        for path in sorted(file for file in self._folder.rglob("*") if file.is_file()):
            key = known.get(path)
            where = path.relative_to(self._folder)
            lines.append(f"{where}: {BY_KEY[key].title}; gives {', '.join(BY_KEY[key].gives)}" if key else f"{where}: not read")
        for publication in PUBLICATIONS:
            years = [year for year in publication.years if year not in found[publication.key]]
            if not found[publication.key]:
                lines.append(f"missing: {wanted(publication.key)}; without it no {', '.join(publication.gives)}")
            elif years:
                lines.append(f"missing: {publication.title}, {', '.join(map(str, years))}, from {publication.page}; those years stay empty")
        try:
            panel = self.load()
            lines.append(f"reads as {len(panel.authorities)} authorities, {panel.years[0]} to {panel.years[-1]}, {len(panel.names)} variables")
        except DataError as error:
            lines.append(f"problem: {error}")
        return lines

    @property
    def _folder(self) -> Path:
        return Path(self.path).expanduser()

    def _absent(self, found: dict[str, dict[int, Path]]) -> dict[str, str]:
        """Variable → the sentence that says why it cannot be had from these files."""
        out = {}
        for name, keys in NEEDS.items():
            lacking = [wanted(key) for key in keys if not found[key]]
            if name in ("centre_spending",) and found["s251"] and BASE not in found["s251"]:
                lacking.append(f"the table for 2010-11 of {wanted('s251')}")
            if name == "child_poverty" and found["hmrc"] and CHAIN not in found["hmrc"]:
                lacking.append(f"the snapshot of August {CHAIN} of {wanted('hmrc')}")
            if name == "closures" and found["register"] and not read.has_close_dates(found["register"][0]):
                lacking.append(f"close dates ({found['register'][0].name} has none, so it lists open centres only): {wanted('register')}")
            if lacking:
                out[name] = f"{name}: not in this folder; needs {'; and '.join(lacking)}"
        return out

    def _centres(self, found: dict[str, dict[int, Path]], places: read.Places, children: pd.Series, notes: list[str], log: list[Loss]) -> dict[str, pd.Series]:
        """Spending per child, its share of 2010-11 and its log."""
        tables = sorted((year, path) for year, path in found["s251"].items() if year >= BASE)
        lines = pd.concat([_whole(path, places.stable(read.centre_spend(path, year, places)), places) for year, path in tables])
        cash = lines[list(self.centre_lines)].sum(axis=1, skipna=False)
        per_child = cash * _to_prices(found, cash.index) / children.reindex(cash.index)
        per_child = per_child[~per_child.index.get_level_values("code").isin(list(read.TOO_SMALL))]
        log_spend = per_child.where(per_child > self.log_guard).map(np.log)
        out: dict[str, pd.Series] = {"centre_spend_per_child": per_child, "log_centre_spending": log_spend}
        step = f"£{self.log_guard:g} per child or less has no logarithm ({int((per_child == 0).sum())} are zero)"
        log.append(Loss(step=step, rows=int((per_child <= self.log_guard).sum()), column="log_centre_spending"))
        base = _by_year(per_child).get(BASE)
        if base is None:
            return out
        share = per_child / base.where(base > self.base_guard).reindex(per_child.index.get_level_values("code")).to_numpy()
        code, name = share.index.get_level_values("code"), places.table["name"]
        guarded, beyond = sorted(base.index[base <= self.base_guard]), sorted(set(code[share > self.ceiling]))
        share = share.mask(code.isin(beyond))
        for codes, why in (
            (guarded, f"£{self.base_guard:g} per child or less in 2010-11 leaves nothing to take a share of"),
            (beyond, f"more than {self.ceiling:g} times 2010-11 in a later year means that 2010-11 was recorded otherwise"),
        ):
            if codes:
                step = f"{why}: {', '.join(name[codes])}"
                log.append(Loss(step=step, rows=int(code.isin(codes).sum()), authorities=tuple(codes), column="centre_spending"))
        jump = share.groupby(level="code").diff().abs() > 0.5
        zero = ", ".join(f"{name[place]} {year}" for place, year in share.index[share == 0])
        notes.append(
            f"{RECORDED}: {int(jump.sum())} authority-years of {len(set(code[jump]))} authorities move by more than half of 2010-11 "
            f"within a year, {int((share > 1.5).sum())} stand above 1.5, and these at zero: {zero or 'none'}; some are changes of reporting, not of spending"
        )
        return out | {"centre_spending": share}

    def _poverty(self, found: dict[str, dict[int, Path]], places: read.Places, children: pd.Series, notes: list[str]) -> pd.Series:
        """HMRC's percentage up to its snapshot of August 2015, then carried on by the growth of DWP's rate."""
        level = {}
        for snapshot, path in found["hmrc"].items():
            hmrc = _whole(path, places.stable(read.low_income_local(path, snapshot, places)), places).droplevel("year")
            level[snapshot + self.snapshot_offset] = hmrc["poor"] / hmrc["all"] * 100
        dwp = _whole(found["dwp"][0], places.stable(read.low_income_relative(found["dwp"][0], places)), places)["poor"]
        rate = _by_year(dwp / children.reindex(dwp.index))
        chain = CHAIN + self.snapshot_offset
        level |= {year: level[chain] * rate[year] / rate[chain] for year in rate if year > chain}
        out = _tall(level)
        code, year = out.index.get_level_values("code"), out.index.get_level_values("year")
        out = out.mask((code == "928") & (year >= 2019))  # on DWP's 2021 boundaries an eighth of its poor children vanish in a year
        notes.append(
            f"child_poverty changes its source after {chain}: HMRC's local measure to its snapshot of August {CHAIN}, then carried on by the growth of DWP's "
            "relative low income; the join is level by construction, what is counted changes. HMRC's snapshot of August 2014 stands out (more working "
            "families), and Northamptonshire is missing from 2019, where DWP's counts dip implausibly"
        )
        return out

    def _closures(self, path: Path, places: read.Places, notes: list[str]) -> pd.Series:
        frame, counts = read.closures(path, self.centres_base, self.years, places)
        notes.append(
            f"centres closed: {counts['centres']} main centres were open at 31 March {self.centres_base} ({counts['undated']} without an open date); "
            f"{counts['linked']} linked sites and {counts['closed_undated']} closed centres without a close date are not counted"
        )
        return frame["closed"] / frame["open"]

    def _variable(self, name: str) -> Variable:
        words = {key: publication.title for key, publication in BY_KEY.items()}
        cin = f"{words['cin']}; DfE, Characteristics of children in need, 2022 release, from 2013"
        rate = "count ÷ children aged 0 to 17 in the middle of the year before × 10,000"
        lines = " + ".join(line.replace("_", "-") for line in self.centre_lines)
        spend = f"section 251 gross spending on Sure Start children's centres ({lines} lines) ÷ children aged 0 to 17, GDP deflator, 2017-18 prices"
        per_10k, s251 = "per 10,000 children", f"{words['s251']}; {words['deflator']}"
        made = {
            "plans": ("children on child protection plans at 31 March", per_10k, cin, rate, "both", 10_000.0),
            "plans_count": ("children on child protection plans at 31 March", "children", cin, "as counted by the authority", "both", None),
            "children": (
                "children aged 0 to 17",
                "children",
                f"{words['children']}; {words['nomis']}",
                "middle of the year before; mid-2009 to mid-2011 carried back from mid-2012 by the growth of ages 0 to 16",
                "both",
                None,
            ),
            "referrals": ("referrals to children's social care in the year", per_10k, cin, rate, "both", 10_000.0),
            "section47": ("section 47 enquiries in the year", per_10k, cin, rate, "both", 10_000.0),
            "centre_spend_per_child": ("spending on children's centres", "£ per child, 2017-18 prices", s251, spend, "both", None),
            "centre_spending": (
                "spending on children's centres that remains",
                "share of 2010-11 spending",
                s251,
                f"{spend}; ÷ the same in 2010-11; none where that was £{self.base_guard:g} per child or less, or where a later year passes {self.ceiling:g}",
                "both",
                None,
            ),
            "log_centre_spending": (
                "log of spending on children's centres",
                "log £ per child, 2017-18 prices",
                s251,
                f"natural logarithm of: {spend}; none at £{self.log_guard:g} per child or less",
                "both",
                None,
            ),
            "closures": (
                "children's centres closed",
                f"share of centres open in March {self.centres_base}",
                words["register"],
                f"main centres open at 31 March {self.centres_base} that had closed by 31 March of the year ÷ all open then; linked sites not counted",
                "both",
                None,
            ),
            "deprivation": (
                "deprivation",
                "points of average IMD 2015 score",
                words["imd"],
                "average score of the authority's neighbourhoods; rests largely on data of 2012 and 2013",
                "authority",
                None,
            ),
            "spending_power": (
                "real spending power of the authority",
                "index, 2010-11 = 100",
                f"{words['spending_power']}; {words['deflator']}",
                "yearly percentage changes (rounded to 1 point, each pair of years like for like) chained, GDP deflator",
                "both",
                None,
            ),
            "child_poverty": (
                "children in low-income families",
                "% of children",
                f"{words['hmrc']}; {words['dwp']}",
                f"HMRC's percentage (31 August Y counted for the year ending 31 March Y{f'+{self.snapshot_offset}' if self.snapshot_offset else ''}) "
                f"to the snapshot of {CHAIN}, then times the growth of DWP's relative low income rate",
                "both",
                None,
            ),
            "grant_dependence": (
                "share of 2010-11 spending power that came as grant",
                "share of 2010-11 spending power",
                words["outturn"],
                "(revenue support grant + redistributed business rates + area based grant) ÷ (those + council tax); specific grants left out",
                "authority",
                None,
            ),
        }
        label, unit, source, definition, varies, count_per = made[name]
        return Variable(name=name, label=label, unit=unit, source=source, definition=definition, varies=varies, count_per=count_per)  # type: ignore[arg-type]


def _whole(path: Path, frame: pd.DataFrame, places: read.Places) -> pd.DataFrame:
    """The same table, if every year in it names nearly every place; a file that was cut short does not."""
    expected = places.table.index.difference(list(read.TOO_SMALL))
    for year, block in frame.groupby(level="year") if "year" in frame.index.names else [("", frame)]:
        lacking = expected.difference(block.index.get_level_values("code"))
        if len(lacking) > 0.05 * len(expected):
            raise DataError(
                f"{path}: {len(expected) - len(lacking)} of {len(expected)} authorities were found{f' for {year}' if year else ''}, expected nearly all; "
                f"the first that lacks is {places.table['name'][lacking[0]]} ({lacking[0]}). The file seems cut short: fetch it again as published"
            )
    return frame


def _children(found: dict[str, dict[int, Path]], places: read.Places, notes: list[str]) -> pd.Series:
    """Children aged 0–17 by (place, year ending 31 March): mid-year populations of the year before."""
    path = found["children"][0]
    counts = _by_year(_whole(path, places.stable(read.tidy(path, places, {"children": "population_estimate"})), places)["children"])
    if 2012 not in counts:
        raise DataError(f"{path}: no populations for mid-2012, got {sorted(counts)}; fetch {wanted('children')}")
    if found["nomis"]:
        younger = _by_year(_whole(found["nomis"][0], places.stable(read.under_17s(found["nomis"][0], places)), places)["under_17"])
        counts |= {year: counts[2012] * younger[year] / younger[2012] for year in (2009, 2010, 2011)}
    else:
        notes.append(f"children: 2010 to 2012 are missing; they need {wanted('nomis')}")
    return _tall({year + 1: values for year, values in counts.items()})


def _counts(found: dict[str, dict[int, Path]], places: read.Places, name: str, heading: str) -> pd.Series:
    """A count by (place, year): first releases to 2012, the 2022 release from 2013."""
    parts = [_whole(path, places.stable(read.first_releases(path, year, places)), places)[name] for year, path in found["cin"].items()]
    parts.append(_whole(found[name][0], places.stable(read.tidy(found[name][0], places, {name: heading})), places)[name])
    counts: pd.Series = pd.concat(parts).sort_index()
    return counts


def _spending_power(found: dict[str, dict[int, Path]], places: read.Places) -> pd.Series:
    """Real spending power, 2010-11 = 100."""
    path = found["spending_power"][0]
    change = _by_year(_whole(path, places.stable(read.spending_power_changes(path, places), average=True), places)["change"])
    index = {BASE: change[BASE + 1] * 0 + 100.0}
    for year in sorted(change):
        index[year] = index[year - 1] * (1 + change[year])
    nominal = _tall(index)
    prices = _to_prices(found, nominal.index)
    real: pd.Series = nominal * prices / prices.xs(BASE, level="year").iloc[0]
    return real


def _by_year(values: pd.Series) -> dict[int, pd.Series]:
    """Year → numbers by place."""
    return {int(str(year)): block.droplevel("year") for year, block in values.groupby(level="year")}


def _tall(by_year: dict[int, pd.Series]) -> pd.Series:
    """Numbers by (place, year)."""
    tall: pd.Series = pd.concat(by_year, names=["year", "code"]).swaplevel().sort_index()
    return tall


def _to_prices(found: dict[str, dict[int, Path]], index: pd.Index) -> pd.Series:
    """What turns cash of each row's year into 2017-18 prices."""
    gdp = read.deflator(found["deflator"][0])
    if PRICES not in gdp:
        raise DataError(f"{found['deflator'][0]}: no deflator for {PRICES}, got {list(gdp.index)}; fetch {wanted('deflator')}")
    years = index.get_level_values("year")
    return pd.Series((gdp[PRICES] / gdp.reindex(years)).to_numpy(), index=index)


def _lasting(values: pd.Series, every: pd.MultiIndex) -> pd.Series:
    """A number for each place, in every year."""
    return pd.Series(values.reindex(every.get_level_values("authority")).to_numpy(), index=every)
