"""How England's variables are made of printed numbers: rates, spending, and the few series that need a decision.

- **Rates** are counts ÷ children aged 0–17 in the middle of the year before × 10,000, in one series (`population_series`). *census_2021*, used where the folder
  has it: ONS's estimates from mid-2012, rebased on the Census of 2021. Before their merger Dorset, Bournemouth and Poole are not printed in it: together they
  are England less every other authority, and each has its share of the older series. *census_2011*: ONS's from mid-2012 to mid-2020, rolled forward from the
  Census of 2011, and for mid-2021 DfE's, on the Census of 2021, which breaks the series; the older drifted away from the newer (in mid-2020 England has 2.5 %
  fewer children in the newer, Westminster 37 %), so that rates move within authorities. In both mid-2009 to mid-2011 are mid-2012 times the growth of ages
  0–16 in Nomis.
- **Spending** is section 251 outturn, gross unless called net, ÷ the same children, in 2017-18 prices by the GDP deflator.
- **Dose.** `centre_spending` is the share of 2010-11 real spending per child that remains; 0 is allowed, halving is −0.5. In 2010-11
  England spent about £437,000 (2017-18 prices) on each of 3,600 centres, so £20 per child in an authority of 60,000 children pays for
  three. Authorities at or below that `base_guard` recorded next to no Sure Start spending to cut (Peterborough £2, Wiltshire £7, Surrey
  £19.70; the median is £135 and the next lowest £30): they have no base, and no share. An authority whose share passes `ceiling` = 2 in any
  year has a base year that does not record what later years do (East Sussex trebled in 2011-12 while England fell by a fifth): all its
  shares are missing, since the fault is in the divisor of each. The next highest, 1.9, is left. Other jumps and zeros (Warrington 2014,
  Trafford from 2016, …) are left as recorded and counted in the notes.
- **Log, a sensitivity.** Missing at or below `log_guard` = £5 per child, less than one centre's cost in an authority of 60,000: there
  the log measures bookkeeping.
- **Child poverty.** HMRC's local measure counts children in families on out-of-work benefits, or on tax credits with an income below 60 %
  of the median; DWP's counts those below 60 % by tax records. Levels differ (they correlate about .73 between places), so they are
  chained, not mixed: HMRC's percentage to its snapshot of August 2015, then that times the growth of DWP's rate since. (HMRC's last
  snapshot, August 2016, is not used: where Universal Credit began early it misses claimants.) A snapshot at 31 August is put to the
  year that ended on the 31 March before (`snapshot_offset` = 0): it is the nearer year end, and a tax credit award in August rests for
  most families on the income of the tax year ended on 5 April. With 1 it counts for the year that it falls in, and 2011 has none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np
import pandas as pd

from causal.panel import Loss
from causal.sources.england.extract import ENGLAND
from causal.sources.england.numbers import Numbers
from causal.sources.england.places import REORGANISATIONS, UNIT, stood

BASE, CHAIN, PRICES = 2011, 2015, 2018  # base year of shares; last HMRC snapshot used; year whose prices "real" means
INSIDE = (2012, 2013)  # management costs of centres are a memorandum inside the other lines in 2011-12 and have no line in 2012-13
CENTRE_LINES = ("individual", "area_wide", "management")
RECORDED = "centre spending as recorded"
EPOCH = date(1970, 1, 1)
GOOD = 2.0  # grades to here are good or outstanding
BANDS = ("population_0_4", "population_5_9", "population_10_14", "population_15", "population_16")
ACCOUNTS = ("rs_council_tax", "rs_revenue_support_grant", "rs_business_rates", "rg_general_grants")
ACCOUNTS_OF_A_YEAR = ("rs_area_based_grant", "rs_local_services_support_grant")
TWICE = "stands twice"
CENSUS_2021, CENSUS_2011 = "census_2021", "census_2011"
SERIES = (CENSUS_2021, CENSUS_2011)
CHILDREN = {CENSUS_2021: "population_0_17_rebased", CENSUS_2011: "population_0_17"}  # series → quantity that it rests on
COVID = (2020, 2021, 2022)  # years ending 31 March that lockdowns fell into, the first at its very end


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """The decisions that an evaluator may take otherwise; `England` says what each is."""

    years: tuple[int, ...]
    centre_lines: tuple[str, ...]
    base_guard: float
    ceiling: float
    log_guard: float
    snapshot_offset: int
    centres_base: int
    population_series: str = CENSUS_2011


@dataclass(kw_only=True)
class Making:
    """What the making of variables reads, and what it has to say: losses, notes, and numbers that cannot be right."""

    numbers: Numbers
    choices: Choices
    names: pd.Series
    log: list[Loss] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    wrong: list[tuple[str, str, int, str]] = field(default_factory=list)  # quantity, code, year, why
    made: dict[str, pd.Series] = field(default_factory=dict)

    @cached_property
    def judged(self) -> pd.DataFrame:
        """Every judgement of Ofsted, once (`judgements`)."""
        return judgements(self)

    def take(self, quantity: str) -> pd.Series:
        """Numbers of a quantity by (code, year), the country left out."""
        values = self.numbers.take(quantity)["value"]
        values = values[values.index.get_level_values("code") != ENGLAND]
        low, high, why = limits(quantity)
        return self.without(quantity, values, (values < low) | (values > high), why)

    def count(self, quantity: str) -> pd.Series:
        """A count of children or events: above all children of the place it cannot be right, and is left empty."""
        values = self.take(quantity)
        if "children" not in self.made:
            return values
        return self.without(quantity, values, values > self.made["children"].reindex(values.index), "is more than there are children")

    def rate(self, quantity: str) -> pd.Series:
        """Per 10,000 children."""
        values = self.count(quantity)
        return values / self.made["children"].reindex(values.index) * 10_000

    def first_rate(self, quantity: str) -> pd.Series:
        """Per 10,000 children, as first published."""
        values = self.numbers.first(quantity)["value"]
        values = values[values.index.get_level_values("code") != ENGLAND]
        return values / self.made["children"].reindex(values.index) * 10_000

    def cash(self, *quantities: str) -> pd.Series:
        """£ on several lines, each year's money; missing where one is."""
        lines = []
        for quantity in quantities:
            values = self.take(quantity)
            if quantity.startswith("centres_management"):
                values = values.mask(values.index.get_level_values("year").isin(INSIDE), 0.0)
                elsewhere = self.take(quantity.replace("management", "individual"))
                inside = elsewhere.index[elsewhere.index.get_level_values("year").isin(INSIDE)].difference(values.index)
                values = pd.concat([values, pd.Series(0.0, index=inside)]).sort_index()
            lines.append(values)
        return pd.concat(lines, axis=1).sum(axis=1, skipna=False)

    def spend(self, *quantities: str) -> pd.Series:
        """£ per child, 2017-18 prices; a gross total below 0 is a correction of another year, not spending, and is left empty. A net one may be below 0."""
        cash = self.cash(*quantities)
        if quantities[0].endswith("_gross"):
            cash = self.without(quantities[0], cash, cash < 0, "is negative, a correction of another year")
        return cash * self.prices(cash.index) / self.made["children"].reindex(cash.index)

    def prices(self, index: pd.MultiIndex | pd.Index) -> pd.Series:
        """What turns cash of each row's year into 2017-18 prices; missing where the deflator does not reach."""
        gdp = self.numbers.take("gdp_deflator")["value"].xs(ENGLAND, level="code")
        years = index.get_level_values("year")
        return pd.Series((gdp.get(PRICES, np.nan) / gdp.reindex(years)).to_numpy(), index=index)

    def without(self, quantity: str, values: pd.Series, odd: pd.Series, why: str) -> pd.Series:
        """The numbers without those that cannot be right, which are told.

        Parameters
        ----------
        quantity : what the numbers are of.
        values : by place and year.
        odd : true where a number cannot be right; as `values`.
        why : the end of the sentence that tells it.
        """
        for code, year in values.index[odd]:
            self.wrong.append((quantity, str(code), int(year), f"{values[code, year]:,.10g} {why}"))
        return values.mask(odd)


def limits(quantity: str) -> tuple[float, float, str]:
    """Outside of what a number of this quantity cannot be right, and in words why. Parts of a total may be below 0, as corrections; totals may not."""
    if quantity.startswith("population"):
        return 1.0, np.inf, "is no number of children"
    if quantity == "spending_power_change":
        return -0.6, 1.0, "is no change of a year, which is printed as a share"
    if quantity.startswith(("imd", "idaci")):
        return 0.0, 1.0 if quantity.startswith("idaci") or quantity.endswith("extent") else 100.0, "lies outside of what the index can be"
    if quantity.startswith(("centre_", "centres_", "rs_", "rg_", "early_years_other")) or quantity.endswith(("_net", "_income")):
        return -np.inf, np.inf, ""
    return 0.0, np.inf, "is negative, a correction of another year" if quantity.endswith("_gross") else "is negative"


def by_year(values: pd.Series) -> dict[int, pd.Series]:
    """Year → numbers by place."""
    return {int(str(year)): block.droplevel("year") for year, block in values.groupby(level="year")}


def tall(years: dict[int, pd.Series]) -> pd.Series:
    """Numbers by (place, year)."""
    if not years:
        return pd.Series(dtype=float, index=pd.MultiIndex.from_arrays([[], []], names=["code", "year"]))
    out: pd.Series = pd.concat(years, names=["year", "code"]).swaplevel().sort_index()
    return out


def children(m: Making) -> pd.Series:
    """Children aged 0 to 17, one series from mid-2009 on."""
    newer = m.choices.population_series == CENSUS_2021
    counts = by_year(_rebased(m) if newer else m.take("population_0_17"))
    bands = [m.take(band) for band in BANDS if m.numbers.has(band)]
    if len(bands) == len(BANDS) and 2013 in counts:
        younger = by_year(pd.concat(bands, axis=1).sum(axis=1, skipna=False))
        counts |= {year: counts[2013] * younger[year] / younger[2013] for year in (2010, 2011, 2012) if year in younger and year not in counts}
    if m.numbers.has("population_0_17_cla") and not newer:
        later = by_year(m.take("population_0_17_cla"))
        counts |= {year: values for year, values in later.items() if year > max(counts)}
    out = tall(counts)
    return out


def _rebased(m: Making) -> pd.Series:
    """The rebased estimates; authorities that are gone and not printed are what is left of England, each by its share of the older series."""
    quantity = CHILDREN[CENSUS_2021]
    every, values = m.numbers.take(quantity)["value"], m.take(quantity)
    england = every.xs(ENGLAND, level="code") if ENGLAND in every.index.get_level_values("code") else pd.Series(dtype=float)
    older = by_year(m.take(CHILDREN[CENSUS_2011])) if m.numbers.has(CHILDREN[CENSUS_2011]) else {}
    years, filled = by_year(values), set[str]()
    for year, here in years.items():
        codes = here.index[here.isna() & here.index.isin(list(UNIT))]
        rest = england.get(year, np.nan) - here.sum()
        if not len(codes) or len({UNIT[str(code)] for code in codes}) > 1 or here.drop(codes).isna().any() or not rest > 0:
            continue
        shares = older.get(year, pd.Series(dtype=float)).reindex(codes) if len(codes) > 1 else pd.Series(1.0, index=codes)
        years[year] = pd.concat([here.drop(codes), shares / shares.sum(skipna=False) * rest])
        filled |= {str(m.names.get(code, code)) for code in codes}
    if filled:
        m.notes.append(
            f"children of {', '.join(sorted(filled))} are not printed in the rebased series before their merger: England less every other authority"
            f"{', by their shares of the older series' if len(filled) > 1 else ''}"
        )
    return tall(years)


def centre_spending(m: Making) -> pd.Series:
    """The share of the base year that remains; what is left out, and why, goes to the log."""
    per_child = m.made["centre_spend_per_child"]
    base = by_year(per_child).get(BASE, pd.Series(dtype=float))
    c, name = m.choices, m.names
    share: pd.Series = per_child / base.where(base > c.base_guard).reindex(per_child.index.get_level_values("code")).to_numpy()
    code = share.index.get_level_values("code")
    guarded, beyond = sorted(base.index[base <= c.base_guard]), sorted(set(code[share > c.ceiling]))
    share = share.mask(code.isin(beyond))
    for codes, why in (
        (guarded, f"£{c.base_guard:g} per child or less in 2010-11 leaves nothing to take a share of"),
        (beyond, f"more than {c.ceiling:g} times 2010-11 in a later year means that 2010-11 was recorded otherwise"),
    ):
        if codes:
            step = f"{why}: {', '.join(name.reindex(codes).fillna(pd.Series(codes, index=codes)))}"
            m.log.append(Loss(step=step, rows=int(code.isin(codes).sum()), authorities=tuple(codes), column="centre_spending"))
    jump = share.groupby(level="code").diff().abs() > 0.5
    zero = ", ".join(f"{name[place]} {year}" for place, year in share.index[share == 0])
    m.notes.append(
        f"{RECORDED}: {int(jump.sum())} authority-years of {len(set(code[jump]))} authorities move by more than half of 2010-11 "
        f"within a year, {int((share > 1.5).sum())} stand above 1.5, and these at zero: {zero or 'none'}; some are changes of reporting, not of spending"
    )
    return share


def early_years_spending(m: Making) -> pd.Series:
    """The share of the base year's total that remains, guarded as centre spending is."""
    per_child = m.made["early_years_spend_per_child"]
    base = by_year(per_child).get(BASE, pd.Series(dtype=float))
    share: pd.Series = per_child / base.where(base > m.choices.base_guard).reindex(per_child.index.get_level_values("code")).to_numpy()
    code = share.index.get_level_values("code")
    gone = sorted({*base.index[base <= m.choices.base_guard], *code[share > m.choices.ceiling]})
    if gone:
        step = f"next to nothing in 2010-11, or more than {m.choices.ceiling:g} times that later: {', '.join(str(m.names.get(one, one)) for one in gone)}"
        m.log.append(Loss(step=step, rows=int(code.isin(gone).sum()), authorities=tuple(gone), column="early_years_spending"))
    return share.mask(code.isin(gone))


def log_per_child(m: Making, name: str, line: str) -> pd.Series:
    """Log of £ per child in each year's own money on one line, none at or below the guard; effects of years take prices off, which are the same for all.

    Parameters
    ----------
    m : the printed numbers and the evaluator's choices.
    name : of the variable, for the log of losses.
    line : of section 251.

    Returns
    -------
    values : by place and year, log of £ per child.
    """
    cash = m.without(line, m.cash(line), m.cash(line) < 0, "is negative, a correction of another year")
    per_child: pd.Series = cash / m.made["children"].reindex(cash.index)
    guard = m.choices.log_guard
    few = int((per_child <= guard).sum())
    if few:
        m.log.append(Loss(step=f"£{guard:g} per child or less has no logarithm ({int((per_child == 0).sum())} are zero)", rows=few, column=name))
    return per_child.where(per_child > guard).map(np.log)


def log_centre_spending(m: Making) -> pd.Series:
    """Log £ per child, none at or below the guard."""
    per_child, guard = m.made["centre_spend_per_child"], m.choices.log_guard
    step = f"£{guard:g} per child or less has no logarithm ({int((per_child == 0).sum())} are zero)"
    m.log.append(Loss(step=step, rows=int((per_child <= guard).sum()), column="log_centre_spending"))
    return per_child.where(per_child > guard).map(np.log)


def spending_power(m: Making) -> pd.Series:
    """Yearly changes chained from the base year, deflated."""
    change = by_year(m.take("spending_power_change"))
    if BASE + 1 not in change:
        return tall({})
    index = {BASE: change[BASE + 1] * 0 + 100.0}
    for year in sorted(change):
        if year - 1 in index:
            index[year] = index[year - 1] * (1 + change[year])
    nominal = tall(index)
    prices = m.prices(nominal.index)
    real: pd.Series = nominal * prices / prices.xs(BASE, level="year").iloc[0]
    return real


def spending_power_accounts(m: Making) -> pd.Series:
    """Spending power from the accounts of 2010-11 and 2017-18, the first = 100, deflated."""
    years = by_year(accounts(m))
    if BASE not in years:
        return tall({})
    prices = m.prices(pd.MultiIndex.from_product([[ENGLAND], list(years)], names=["code", "year"])).droplevel("code")
    return tall({year: values * prices[year] / (years[BASE] * prices[BASE]) * 100 for year, values in years.items()})


def accounts(m: Making) -> pd.Series:
    """£, each year's money: council tax and the general grants of that year."""
    own = {BASE: "rs_area_based_grant", PRICES: "rs_local_services_support_grant"}
    years = {}
    for year, grant in own.items():
        lines = [by_year(m.take(one).abs()).get(year) for one in (*ACCOUNTS, grant) if m.numbers.has(one)]
        if len(lines) == len(ACCOUNTS) + 1 and all(line is not None for line in lines):
            years[year] = pd.concat([line for line in lines if line is not None], axis=1).sum(axis=1, skipna=False)
    return tall(years)


def child_poverty(m: Making) -> pd.Series:
    """HMRC's percentage up to its snapshot of August 2015, then carried on by the growth of DWP's rate."""
    hmrc = by_year(m.take("hmrc_poor") / m.take("hmrc_children") * 100)
    level = {snapshot + m.choices.snapshot_offset: values for snapshot, values in hmrc.items() if snapshot <= CHAIN}
    dwp = m.take("dwp_poor")
    rate = by_year(dwp / m.made["children"].reindex(dwp.index))
    chain = CHAIN + m.choices.snapshot_offset
    if chain in level and chain in rate:
        level |= {year: level[chain] * rate[year] / rate[chain] for year in rate if year > chain}
    share = by_year(m.take("low_income_share")) if m.numbers.has("low_income_share") else {}
    last, on = max(level, default=0), ""
    if last in share:
        level |= {year: level[last] * share[year] / share[last] for year in share if year > last}
        on = f"; from {last} on by the growth of DWP's revised rate, as DfE's Local authority interactive tool has it"
    out = tall(level)
    code, year = out.index.get_level_values("code"), out.index.get_level_values("year")
    # on DWP's 2021 boundaries an eighth of Northamptonshire's poor children vanish in a year
    dip = code.isin([one for one, unit in UNIT.items() if unit == "928"]) & (year >= 2019)
    if dip.any():
        m.log.append(Loss(step="DWP's counts for Northamptonshire dip implausibly from 2019", rows=int(dip.sum()), column="child_poverty"))
    m.notes.append(
        f"child_poverty changes its source after {chain}: HMRC's local measure to its snapshot of August {CHAIN}, then carried on by the growth of DWP's "
        "relative low income; the join is level by construction, what is counted changes. HMRC's snapshot of August 2014 stands out (more working "
        f"families), and Northamptonshire is missing from 2019, where DWP's counts dip implausibly{on}"
    )
    return out.mask(dip)


def _centres(m: Making) -> pd.DataFrame:
    """The register's main centres: code, opened and closed (days since 1970, NaN where blank), one row each."""
    opened, closed = (m.numbers.raw(one) for one in ("centre_opened", "centre_closed"))
    keys = ["place", "part"]
    both = opened[[*keys, "value", "mark"]].merge(closed[[*keys, "value", "mark"]], on=keys, suffixes=("", "_closed"))
    twice = both["part"].astype(str).duplicated(keep=False) | (both["mark"] == TWICE) | (both["mark_closed"] == TWICE)
    if twice.any() and not any(TWICE in loss.step for loss in m.log):
        urns = ", ".join(sorted(set(both["part"].astype(str)[twice]))[:5])
        m.log.append(
            Loss(
                step=f"a centre that {TWICE} in the register, with other dates or another authority, is left out (URN {urns})",
                rows=int(twice.sum()),
                column="closures",
            )
        )
    both = both[~twice].rename(columns={"value_closed": "closed"})
    code = both["place"].astype(str)
    if m.numbers.places.merged:
        code = code.map(lambda one: UNIT.get(one, one))
    return pd.DataFrame({"code": code, "opened": both["value"].to_numpy(), "closed": both["closed"].to_numpy()})


def _at(year: int) -> float:
    return float((date(year, 3, 31) - EPOCH).days)


def closures(m: Making) -> pd.Series:
    """Of the centres open at the base, the share that had closed by 31 March of each year. A blank open date is an old record: open before the base."""
    centres, base = _centres(m), m.choices.centres_base
    start = _at(base)
    followed = centres[(centres["opened"].isna() | (centres["opened"] <= start)) & (centres["closed"].isna() | (centres["closed"] > start))]
    m.notes.append(
        f"centres closed: {len(followed)} main centres were open at 31 March {base} ({int(followed['opened'].isna().sum())} without an open date); "
        "linked sites and closed centres without a close date are not counted"
    )
    opens = followed.groupby("code").size()
    return tall(
        {
            year: followed[followed["closed"] <= _at(year)].groupby("code").size().reindex(opens.index, fill_value=0) / opens
            for year in m.choices.years
            if year >= base
        }
    )


def centres_open(m: Making) -> pd.Series:
    """Main centres open at 31 March of each year."""
    centres = _centres(m)
    codes = pd.Index(sorted(set(centres["code"])))
    return tall(
        {
            year: centres[(centres["opened"].isna() | (centres["opened"] <= _at(year))) & (centres["closed"].isna() | (centres["closed"] > _at(year)))]
            .groupby("code")
            .size()
            .reindex(codes, fill_value=0)
            .astype(float)
            for year in m.choices.years
        }
    )


def centres_closed(m: Making) -> pd.Series:
    """Main centres whose close date falls in the year."""
    centres = _centres(m)
    codes = pd.Index(sorted(set(centres["code"])))
    return tall(
        {
            year: centres[(centres["closed"] <= _at(year)) & (centres["closed"] > _at(year - 1))]
            .groupby("code")
            .size()
            .reindex(codes, fill_value=0)
            .astype(float)
            for year in m.choices.years
        }
    )


def judgements(m: Making) -> pd.DataFrame:
    """Every judgement once: columns `code` (authority as printed), `day` (published), `grade`, `inspected` (days since 1970, NaN where not printed), by day."""
    raw, dates = m.numbers.raw("judgement"), m.numbers.raw("inspected")
    frame = pd.DataFrame({"code": raw["place"].astype(str), "day": raw["part"].astype(str), "grade": raw["value"], "released": raw["released"]})
    frame = frame.dropna(subset=["grade"]).sort_values(["code", "day", "released"], kind="stable").drop_duplicates(["code", "day"], keep="last")
    days = {(str(place), str(part)): value for place, part, value in zip(dates["place"], dates["part"], dates["value"], strict=True)}
    frame["inspected"] = [days.get(one, np.nan) for one in zip(frame["code"], frame["day"], strict=True)]
    return frame.sort_values(["day", "code"], kind="stable").reset_index(drop=True)


def judged(m: Making, year: int) -> pd.Series:
    """Grade that stood at 31 March of a year by what was published, by authority as it then was; only those that had one."""
    every = m.judged
    known = every[every["day"] <= f"{year}-03-31"].groupby("code")["grade"].last()
    return known[[stood(str(code), year) for code in known.index]]


def inspection_grade(m: Making) -> pd.Series:
    """The judgement that stood at 31 March; a place of several authorities has one where all have the same."""
    tell_judgements(m)
    return tall({year: _of_places(m, judged(m, year), year) for year in m.choices.years})


def _of_places(m: Making, grades: pd.Series, year: int) -> pd.Series:
    if not m.numbers.places.merged:
        return grades
    out = grades[~grades.index.isin(list(UNIT))]
    for one in REORGANISATIONS:
        parts = one.before if year <= one.until else one.after
        there = grades.reindex(sorted(parts))
        if there.notna().all() and there.nunique() == 1:
            out = pd.concat([out, pd.Series({one.unit: float(there.iloc[0])})])
    return out


def good_when_judged(m: Making) -> pd.Series:
    """1 where a judgement published in the year to 31 March is good or outstanding, 0 where it is not, nothing in years without one; the last of the year."""
    every = m.judged
    years = {}
    for year in m.choices.years:
        here = every[(every["day"] > f"{year - 1}-03-31") & (every["day"] <= f"{year}-03-31")].groupby("code")["grade"].last()
        years[year] = (_of_places(m, here, year) <= GOOD).astype(float)
    return tall(years)


def tell_judgements(m: Making) -> None:
    """Say who had been inspected and was not yet judged, and how the judgements agree with Ofsted's own list."""
    every = m.judged
    listed = by_year(m.numbers.take("judgement_listed")["value"]) if m.numbers.printed("judgement_listed") else {}
    raw = m.numbers.raw("judgement_listed")
    for year in sorted(listed):
        here = raw[(raw["year"] == year) & raw["value"].notna()]
        own = dict(zip(here["place"].astype(str), here["value"], strict=True))
        ours = judged(m, year)
        differ = sorted(code for code, grade in own.items() if ours.get(code) != grade)
        day = float((date(year, 3, 31) - EPOCH).days)
        waiting = set(every["code"][(every["inspected"] <= day) & (every["day"] > f"{year}-03-31")])
        late = [
            code for code in differ if code in waiting or any((every["code"] == code) & (every["day"] > f"{year}-03-31") & (every["day"] <= f"{year}-06-30"))
        ]
        other = [code for code in differ if code not in late]
        names = ", ".join(str(m.numbers.places.name(code)) for code in late)
        m.notes.append(
            f"judgements at 31 March {year}: {len(own) - len(differ)} of {len(own)} authorities stand as in Ofsted's own list"
            + (f"; inspected before and published after, and so one judgement behind here: {names}" if late else "")
            + (f"; otherwise different: {', '.join(str(m.numbers.places.name(code)) for code in other)}" if other else "")
        )


def closed_since_2010(m: Making, *listed: str) -> pd.Series:
    """The share of the centres designated in 2009-10 that the list of open ones no longer has; below 0 where it has more.

    Parameters
    ----------
    m : the printed numbers.
    *listed : quantities of lists of open centres, whose counts add up.
    """
    counts = [centres_open_on_a_day(m, one) for one in listed]
    designated = m.take("centres_designated").groupby(level="code").last()
    now: pd.Series = pd.concat(counts, axis=1).sum(axis=1, skipna=True).reindex(designated.index)
    return lasting(m, 1 - now / designated.where(designated > 0))


def centres_open_on_a_day(m: Making, quantity: str) -> pd.Series:
    """How many centres a list of open ones has, by place; of several lists that which prints when centres opened: one without holds some that closed.

    Parameters
    ----------
    m : the printed numbers.
    quantity : of a list of open centres.
    """
    dated = f"{quantity}_dated"
    return m.take(dated if m.numbers.has(dated) else quantity).groupby(level="code").last()


def centres_linked(m: Making) -> pd.Series:
    """Linked sites open on the day of the register; none where it has main centres only."""
    here = m.made["centres_listed"].index.unique("code")
    return lasting(m, centres_open_on_a_day(m, "centres_linked_listed").reindex(here, fill_value=0))


def lasting(m: Making, values: pd.Series) -> pd.Series:
    """A number for each place, in every year.

    Parameters
    ----------
    m : whose years they are.
    values : by place.
    """
    return tall({year: values for year in m.choices.years})


def index(quantity: str, year: int) -> Callable[[Making], pd.Series]:
    """What makes a variable of an index printed once.

    Parameters
    ----------
    quantity : as printed.
    year : in which it was.
    """
    return lambda m: lasting(m, by_year(m.take(quantity)).get(year, pd.Series(dtype=float)))


def grant_dependence(m: Making) -> pd.Series:
    """Grant's share of the spending power of 2010-11."""
    empty = pd.Series(dtype=float)
    grants = [by_year(m.take(one)).get(BASE, empty).abs() for one in ("rs_revenue_support_grant", "rs_business_rates", "rs_area_based_grant")]
    grant = pd.concat(grants, axis=1).sum(axis=1, skipna=False)
    return lasting(m, grant / (grant + by_year(m.take("rs_council_tax")).get(BASE, empty).abs()))


def sure_start_grant(m: Making) -> pd.Series:
    """The ring-fenced grant's last year, £ per child of that year."""
    empty = pd.Series(dtype=float)
    grant, young = (by_year(values).get(BASE, empty) for values in (m.take("rg_sure_start_grant"), m.made["children"]))
    return lasting(m, grant.abs() / young.reindex(grant.index))


def re_referral_share(m: Making) -> pd.Series:
    """Re-referrals ÷ referrals, %; a part above its whole cannot be right."""
    every = m.take("referrals")
    again = m.take("re_referrals")
    again = m.without("re_referrals", again, again > every.reindex(again.index), "is more than all referrals")
    return again / every.where(every > 0).reindex(again.index) * 100
