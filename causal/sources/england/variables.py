"""The variables of England's panel: what each is called, the printed quantities that it needs, and how it is made of them. `making` says why.

A new variable is one line here; a variable whose quantities no file of the folder gives is not a column, and a note says which publication it would take.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from causal.sources.england import making as make
from causal.sources.england.making import ACCOUNTS, ACCOUNTS_OF_A_YEAR, BANDS, BASE, CENSUS_2021, CHAIN, COVID, Choices, Making

RATE = "count ÷ children aged 0 to 17 in the middle of the year before × 10,000"
REAL = "GDP deflator, 2017-18 prices"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One variable: what it is, the quantities that it needs, and how it is made.

    `anchors` are years whose numbers enter those of every year (a base); `helps` are quantities used where they are there; `joined` says that the quantities,
    taken together, have no break where one of them moved into another; `per_children` that they are divided by children; `chained` that every year rests on
    all before it; `unmoved` says why nothing that is studied here can move it, where that is so; `breaks` stands in the place of the publications' own where
    the variable takes only some of their years.
    """

    name: str
    label: str
    unit: str | Callable[[Choices], str]
    needs: tuple[str, ...]
    make: Callable[[Making], pd.Series]
    definition: str | Callable[[Choices], str]
    helps: tuple[str, ...] = ()
    varies: Literal["both", "authority", "year"] = "both"
    count_per: float | None = None
    anchors: tuple[int, ...] = ()
    joined: bool = False
    per_children: bool = False
    chained: bool = False
    breaks: Callable[[Choices], dict[int, str]] | None = None
    unmoved: str = ""

    def unit_of(self, choices: Choices) -> str:
        """The unit under these choices."""
        return self.unit if isinstance(self.unit, str) else self.unit(choices)

    def definition_of(self, choices: Choices) -> str:
        """The definition under these choices."""
        return self.definition if isinstance(self.definition, str) else self.definition(choices)


def _rate(name: str, label: str, needs: str | None = None) -> Made:
    quantity = needs or name
    return Made(
        name=name,
        label=label,
        unit="per 10,000 children",
        needs=(quantity,),
        make=lambda m: m.rate(quantity),
        definition=RATE,
        count_per=10_000.0,
        per_children=True,
    )


def _spend(line: str, label: str, *lines: str, less: tuple[str, ...] = ()) -> list[Made]:
    """Spending per child on some lines, gross and net; `less`: lines taken off the first."""
    out = []
    for kind, name in (("gross", f"{line}_spend_per_child"), ("net", f"{line}_net_spend_per_child")):
        plus, minus = tuple(f"{one}_{kind}" for one in lines), tuple(f"{one}_{kind}" for one in less)
        out.append(
            Made(
                name=name,
                label=f"{'net ' if kind == 'net' else ''}spending on {label}",
                unit="£ per child, 2017-18 prices",
                per_children=True,
                needs=(*plus, *minus, "gdp_deflator"),
                make=lambda m, plus=plus, minus=minus: m.spend(*plus) - m.spend(*minus) if minus else m.spend(*plus),  # type: ignore[misc]
                definition=f"section 251 {kind} outturn, {' + '.join(lines).replace('_', ' ')}{' − ' + ' − '.join(less).replace('_', ' ') if less else ''}"
                f" ÷ children aged 0 to 17, {REAL}",
            )
        )
    return out


def _centre(kind: str, name: str) -> Made:
    quantities = tuple(f"centres_{line}_{kind}" for line in ("individual", "area_wide"))
    return Made(
        name=name,
        label=f"{'net ' if kind == 'net' else ''}spending on children's centres",
        unit="£ per child, 2017-18 prices",
        needs=(*quantities, "gdp_deflator"),
        helps=(f"centres_management_{kind}",),
        joined=True,
        per_children=True,
        make=lambda m: m.spend(*(f"centres_{line}_{kind}" for line in m.choices.centre_lines)),
        definition=lambda c: f"section 251 {kind} spending on Sure Start children's centres ({_lines(c)} lines) ÷ children aged 0 to 17, {REAL}",
    )


def _lines(choices: Choices) -> str:
    return " + ".join(line.replace("_", "-") for line in choices.centre_lines)


def _score(name: str, label: str, unit: str, quantity: str, year: int, definition: str) -> Made:
    return Made(
        name=name, label=label, unit=unit, needs=(quantity,), make=make.index(quantity, year), definition=definition, varies="authority", anchors=(year,)
    )


def _share_of_spending(m: Making) -> pd.Series:
    total, away = m.cash("children_services_gross"), m.cash("looked_after_children_gross", "safeguarding_gross", "youth_justice_gross")
    base = total - m.cash("youth_justice_gross")
    return ((total - away) / base.where(base > 0)) * 100


def _young(m: Making) -> pd.Series:
    """Children aged 12 to 17, near enough: Nomis stops at 16."""
    middle, fifteen, sixteen = (m.take(f"population_{ages}") for ages in ("10_14", "15", "16"))
    return 0.6 * middle + fifteen + 2 * sixteen


def _youth_spend(m: Making) -> pd.Series:
    cash = m.without("youth_gross", m.cash("youth_gross"), m.cash("youth_gross") < 0, "is negative, a correction of another year")
    return cash * m.prices(cash.index) / _young(m).reindex(cash.index)


def _care_starts_16_17(m: Making) -> pd.Series:
    starts = m.count("care_starts_16_plus")
    return starts / (2 * m.take("population_16")).reindex(starts.index) * 100_000


def _other_prevention(m: Making) -> pd.Series:
    return m.made["preventative_spend_per_child"] - m.made["centre_spend_per_child"]


def _per_child_in_need(m: Making) -> pd.Series:
    cash = m.cash("social_work_gross")
    episodes = m.count("need_episodes")
    return cash * m.prices(cash.index) / episodes.where(episodes > 0).reindex(cash.index)


def _log_spend(name: str, label: str, line: str, what: str) -> Made:
    """Log of £ per child in each year's money: no prices are needed, so that it reaches as far as spending is printed."""
    return Made(
        name=name,
        label=label,
        unit="log £ per child, each year's money",
        needs=(line,),
        per_children=True,
        make=lambda m: make.log_per_child(m, name, line),
        definition=lambda c: (
            f"natural logarithm of section 251 gross outturn, {what}, ÷ children aged 0 to 17, in each year's money (prices are the same for all in a year); "
            f"none at £{c.log_guard:g} per child or less"
        ),
    )


def _percent(name: str, label: str, part: str, *whole: str, definition: str) -> Made:
    return Made(
        name=name,
        label=label,
        unit="%",
        needs=(part, *whole),
        make=lambda m: m.take(part) / (total := pd.concat([m.take(one) for one in whole], axis=1).sum(axis=1, skipna=False)).where(total > 0) * 100,
        definition=definition,
    )


def _covid(m: Making) -> pd.Series:
    codes = m.numbers.places.table.index
    return make.tall({year: pd.Series(float(year in COVID), index=codes) for year in m.choices.years})


EARLY_YEARS = "the early-years total: children's centres and, from 2012-13, other spending on under-fives; not the centres' lines, which end in 2018-19"
CENTRES = ("centres_individual_gross", "centres_area_wide_gross", "gdp_deflator")
ABUSE = ("neglect", "physical abuse", "sexual abuse", "emotional abuse")

VARIABLES: tuple[Made, ...] = (
    Made(
        name="children",
        label="children aged 0 to 17",
        unit="children",
        needs=("population_0_17",),
        helps=(*BANDS, "population_0_17_cla"),
        make=make.children,
        definition=lambda c: (
            f"middle of the year before{', rebased on the Census of 2021' if c.population_series == CENSUS_2021 else ''}; "
            "mid-2009 to mid-2011 carried back from mid-2012 by the growth of ages 0 to 16"
        ),
    ),
    _rate("plans", "children on child protection plans at 31 March"),
    Made(
        name="plans_count",
        label="children on child protection plans at 31 March",
        unit="children",
        needs=("plans",),
        make=lambda m: m.count("plans"),
        definition="as counted by the authority",
    ),
    _rate("referrals", "referrals to children's social care in the year"),
    _rate("section47", "section 47 enquiries in the year"),
    _centre("gross", "centre_spend_per_child"),
    Made(
        name="centre_spending",
        label="spending on children's centres that remains",
        unit="share of 2010-11 spending",
        needs=CENTRES,
        helps=("centres_management_gross",),
        joined=True,
        per_children=True,
        make=make.centre_spending,
        anchors=(BASE,),
        definition=lambda c: (
            f"section 251 gross spending on Sure Start children's centres ({_lines(c)} lines) per child, {REAL}; ÷ the same in 2010-11; "
            f"none where that was £{c.base_guard:g} per child or less, or where a later year passes {c.ceiling:g}"
        ),
    ),
    Made(
        name="log_centre_spending",
        label="log of spending on children's centres",
        unit="log £ per child, 2017-18 prices",
        needs=CENTRES,
        helps=("centres_management_gross",),
        joined=True,
        per_children=True,
        make=make.log_centre_spending,
        definition=lambda c: (
            f"natural logarithm of section 251 gross spending on Sure Start children's centres ({_lines(c)} lines) per child, {REAL}; "
            f"none at £{c.log_guard:g} per child or less"
        ),
    ),
    Made(
        name="closures",
        label="children's centres closed",
        unit=lambda c: f"share of centres open in March {c.centres_base}",
        needs=("centre_opened", "centre_closed"),
        make=make.closures,
        definition=lambda c: (
            f"main centres open at 31 March {c.centres_base} that had closed by 31 March of the year ÷ all open then; linked sites not counted"
        ),
    ),
    _score(
        "deprivation",
        "deprivation",
        "points of average IMD 2015 score",
        "imd_2015_score",
        2015,
        "average score of the authority's neighbourhoods; rests largely on data of 2012 and 2013",
    ),
    Made(
        name="spending_power",
        label="real spending power of the authority",
        unit="index, 2010-11 = 100",
        needs=("spending_power_change", "gdp_deflator"),
        make=make.spending_power,
        anchors=(BASE,),
        chained=True,
        definition=f"yearly percentage changes (rounded to 1 point, each pair of years like for like) chained, {REAL}",
    ),
    Made(
        name="child_poverty",
        label="children in low-income families",
        unit="% of children",
        needs=("hmrc_poor", "hmrc_children", "dwp_poor"),
        helps=("low_income_share",),
        make=make.child_poverty,
        per_children=True,
        breaks=lambda c: {
            2014 + c.snapshot_offset: "HMRC's snapshot of August 2014 counts four times the working families of the year before: out of line with both sides",
            2015 + c.snapshot_offset: "HMRC's snapshot of August 2015 is back in line with 2013",
            CHAIN + c.snapshot_offset + 1: "HMRC's measure up to here, from here carried on by the growth of DWP's: what is counted changes",
        },
        anchors=(CHAIN,),
        definition=lambda c: (
            f"HMRC's percentage (31 August Y counted for the year ending 31 March Y{'+1' if c.snapshot_offset else ''}) "
            f"to the snapshot of {CHAIN}, then times the growth of DWP's relative low income rate"
        ),
    ),
    Made(
        name="grant_dependence",
        label="share of 2010-11 spending power that came as grant",
        unit="share of 2010-11 spending power",
        varies="authority",
        needs=("rs_council_tax", "rs_revenue_support_grant", "rs_business_rates", "rs_area_based_grant"),
        make=make.grant_dependence,
        anchors=(BASE,),
        definition="(revenue support grant + redistributed business rates + area based grant) ÷ (those + council tax); specific grants left out",
    ),
    # demand, step by step
    _rate("need_episodes", "episodes of need at any point in the year"),
    Made(
        name="need_episodes_first",
        label="episodes of need at any point in the year, as first published",
        unit="per 10,000 children",
        needs=("need_episodes",),
        make=lambda m: m.first_rate("need_episodes"),
        definition=f"{RATE}; of each year's first release, before later ones revised it down",
        count_per=10_000.0,
        per_children=True,
    ),
    _rate("need_started", "episodes of need that started in the year"),
    _rate("need_at_31_march", "children in need at 31 March"),
    _rate("assessments", "assessments completed in the year"),
    _rate("conferences", "initial child protection conferences in the year"),
    _rate("plans_started", "child protection plans started in the year"),
    *(_rate(f"plans_{kind.split()[0]}", f"children on plans for {kind} at 31 March") for kind in ABUSE),
    Made(
        name="re_referral_share",
        label="referrals within 12 months of an earlier one",
        unit="% of referrals",
        needs=("re_referrals", "referrals"),
        make=make.re_referral_share,
        definition="re-referrals ÷ referrals of the year",
    ),
    _rate("looked_after", "children looked after at 31 March"),
    _rate("care_starts", "children who started to be looked after in the year"),
    _rate("care_starts_1_4", "children aged 1 to 4 who started to be looked after in the year"),
    _rate("care_starts_16_plus", "children aged 16 and over who started to be looked after in the year"),
    Made(
        name="care_starts_16_17",
        label="young people aged 16 and 17 who started to be looked after in the year",
        unit="per 100,000 aged 16 and 17",
        needs=("care_starts_16_plus", "population_16"),
        make=_care_starts_16_17,
        definition="count, unaccompanied asylum-seeking children among them, ÷ twice those aged 16 in the middle of the year before × 100,000",
    ),
    # spending
    _centre("net", "centre_net_spend_per_child"),
    *_spend("early_years", "Sure Start and under-fives", "early_years"),
    *_spend("family_support", "family support", "family_support"),
    *_spend("youth", "services for young people", "youth"),
    *_spend("preventative", "prevention", "early_years", "family_support", "youth"),
    *_spend("early_help", "early help", "children_services", less=("looked_after_children", "safeguarding")),
    Made(
        name="other_prevention",
        label="spending on prevention other than children's centres",
        unit="£ per child, 2017-18 prices",
        needs=("early_years_gross", "family_support_gross", "youth_gross", *CENTRES),
        helps=("centres_management_gross",),
        make=_other_prevention,
        per_children=True,
        definition=lambda c: f"spending on prevention − spending on children's centres ({_lines(c)} lines), both as above; {REAL}",
    ),
    Made(
        name="youth_spend_per_child_12_plus",
        label="spending on services for young people",
        unit="£ per child aged 12 to 17, 2017-18 prices",
        needs=("youth_gross", "population_10_14", "population_15", "population_16", "gdp_deflator"),
        make=_youth_spend,
        definition=f"section 251 gross outturn ÷ (three fifths of those aged 10 to 14 + those aged 15 + twice those aged 16), {REAL}",
    ),
    *_spend("safeguarding", "safeguarding", "safeguarding"),
    *_spend("looked_after", "children looked after", "looked_after_children"),
    *_spend("total", "children's services", "children_services"),
    Made(
        name="prevention_share",
        label="prevention's share of spending on children's services",
        unit="% of spending",
        make=_share_of_spending,
        needs=("children_services_gross", "looked_after_children_gross", "safeguarding_gross", "youth_justice_gross"),
        definition="(total − looked after − safeguarding − youth justice) ÷ (total − youth justice), gross (NAO 2019)",
    ),
    Made(
        name="spend_per_child_in_need",
        label="spending per child in need",
        unit="£ per episode of need, 2017-18 prices",
        make=_per_child_in_need,
        needs=("social_work_gross", "need_episodes", "gdp_deflator"),
        definition="gross section 251 social work ÷ episodes of need in the year (NAO 2019)",
    ),
    Made(
        name="sure_start_grant",
        label="Sure Start, early years and childcare grant of 2010-11",
        unit="£ per child",
        needs=("rg_sure_start_grant",),
        make=make.sure_start_grant,
        per_children=True,
        varies="authority",
        definition="the last year of the ring-fenced grant ÷ children aged 0 to 17",
        anchors=(BASE,),
    ),
    Made(
        name="spending_power_accounts",
        label="real spending power of the authority, from its accounts",
        unit="index, 2010-11 = 100",
        needs=(*ACCOUNTS, "gdp_deflator"),
        helps=ACCOUNTS_OF_A_YEAR,
        make=make.spending_power_accounts,
        anchors=(BASE,),
        definition="council tax + revenue support grant + redistributed business rates + area based or local services support grant + general specific grants, "
        f"2010-11 and 2017-18 only, {REAL}",
    ),
    Made(
        name="early_years_spending",
        label="spending on Sure Start and under-fives that remains",
        unit="share of 2010-11 spending",
        needs=("early_years_gross", "gdp_deflator"),
        make=make.early_years_spending,
        per_children=True,
        anchors=(BASE,),
        definition=lambda c: (
            f"section 251 gross outturn, {EARLY_YEARS}, per child, {REAL}; ÷ the same in 2010-11; none where that was £{c.base_guard:g} per child or less, "
            f"or where a later year passes {c.ceiling:g}"
        ),
    ),
    _log_spend("log_early_years_spending", "log of spending on Sure Start and under-fives", "early_years_gross", EARLY_YEARS),
    _log_spend("log_family_support_spending", "log of spending on family support", "family_support_gross", "family support services"),
    _log_spend("log_youth_spending", "log of spending on services for young people", "youth_gross", "services for young people"),
    Made(
        name="covid",
        label="a year of lockdowns",
        unit="1 = yes",
        needs=(),
        make=_covid,
        varies="year",
        definition="the years ending 31 March 2020 (its last week), 2021 and 2022",
    ),
    # what inspectors found, who works there, and an outcome that none of it can move
    Made(
        name="inspection_grade",
        label="Ofsted's judgement of children's services that stood at 31 March",
        unit="1 outstanding to 4 inadequate",
        needs=("judgement",),
        helps=("inspected", "judgement_listed"),
        make=make.inspection_grade,
        definition="the last overall judgement published by then; a place of several authorities has one where they all have the same",
    ),
    Made(
        name="good_or_outstanding",
        label="services rated good or outstanding",
        unit="share of authorities",
        needs=("judgement",),
        helps=("inspected", "judgement_listed"),
        make=lambda m: (m.made["inspection_grade"] <= make.GOOD).where(m.made["inspection_grade"].notna()).astype(float),
        definition="1 where the last overall judgement of Ofsted published by 31 March is good or outstanding, 0 where it is not; it stands until the next",
    ),
    Made(
        name="good_when_judged",
        label="services rated good or outstanding in an inspection of the year",
        unit="share of authorities",
        needs=("judgement",),
        make=make.good_when_judged,
        definition="as good or outstanding, but only in years in which a judgement was published, so that none is counted twice",
    ),
    Made(
        name="road_injuries",
        label="children killed or seriously injured on the roads",
        unit="per 100,000 aged 0 to 15",
        needs=("road_injuries",),
        make=lambda m: m.take("road_injuries"),
        definition="mean of three calendar years, put to the year ending 31 March in the first of them, so that spending of the year before lies before it; "
        "neighbouring years share two of their three",
        unmoved="children's services do not make roads safer or more dangerous",
    ),
    _percent(
        "plans_again_share",
        "child protection plans that are not the child's first",
        "plans_subsequent",
        "plans_started",
        definition="second or later plans ÷ plans started in the year",
    ),
    _percent(
        "agency_share",
        "social workers from agencies",
        "social_work_agency",
        "social_work_agency",
        "social_workers",
        definition="agency social workers ÷ (those and social workers in post) at 30 September of the year, full-time equivalent",
    ),
    _percent(
        "vacancy_share",
        "posts of social workers that are vacant",
        "social_work_vacancies",
        "social_work_vacancies",
        "social_workers",
        definition="vacancies ÷ (those and social workers in post) at 30 September of the year, full-time equivalent",
    ),
    Made(
        name="caseload",
        label="cases of a social worker",
        unit="cases per social worker",
        needs=("social_work_cases", "social_work_case_holders"),
        make=lambda m: m.take("social_work_cases") / m.take("social_work_case_holders").where(lambda holders: holders > 0),
        definition="cases ÷ social workers who hold any, at 30 September of the year, full-time equivalent",
    ),
    # deprivation and poverty as printed
    _score("deprivation_2019", "deprivation", "points of average IMD 2019 score", "imd_2019_score", 2019, "average score of the authority's neighbourhoods"),
    _score(
        "child_deprivation",
        "children in income deprivation",
        "average IDACI 2015 score",
        "idaci_2015_score",
        2015,
        "average score of the authority's neighbourhoods",
    ),
    _score(
        "child_deprivation_2019",
        "children in income deprivation",
        "average IDACI 2019 score",
        "idaci_2019_score",
        2019,
        "average score of the authority's neighbourhoods",
    ),
    Made(
        name="low_income_hmrc",
        label="children in low-income families, HMRC's local measure",
        unit="% of children",
        needs=("hmrc_poor", "hmrc_children"),
        make=lambda m: make.tall(
            {year + m.choices.snapshot_offset: values for year, values in make.by_year(m.take("hmrc_poor") / m.take("hmrc_children") * 100).items()}
        ),
        definition=lambda c: f"snapshot of 31 August Y, counted for the year ending 31 March Y{'+1' if c.snapshot_offset else ''}",
    ),
    Made(
        name="low_income_dwp",
        label="children in relative low income, DWP's measure",
        unit="% of children",
        needs=("dwp_poor",),
        per_children=True,
        make=lambda m: m.rate("dwp_poor") / 100,
        definition="before housing costs; ÷ children aged 0 to 17 in the middle of the year before",
    ),
    # centres
    Made(
        name="centres_open",
        label="children's centres open at 31 March",
        unit="centres",
        needs=("centre_opened", "centre_closed"),
        make=make.centres_open,
        definition="main centres of the register, linked sites not counted; a centre without an open date counts as old",
    ),
    Made(
        name="centres_closed",
        label="children's centres closed in the year",
        unit="centres",
        needs=("centre_opened", "centre_closed"),
        make=make.centres_closed,
        definition="main centres of the register with a close date in the year",
    ),
    Made(
        name="centres_listed",
        label="children's centres open when the register was downloaded",
        unit="centres",
        needs=("centres_listed",),
        varies="authority",
        make=lambda m: make.lasting(m, make.centres_open_on_a_day(m, "centres_listed")),
        helps=("centres_listed_dated",),
        definition="main centres in the open-only extract",
    ),
    Made(
        name="centres_linked",
        label="linked sites of children's centres open when the register was downloaded",
        unit="sites",
        needs=("centres_linked_listed",),
        helps=("centres_linked_listed_dated",),
        varies="authority",
        make=lambda m: make.lasting(
            m, make.centres_open_on_a_day(m, "centres_linked_listed").reindex(m.made["centres_listed"].index.unique("code"), fill_value=0)
        ),
        definition="linked sites in the open-only extract: outposts of a centre, many of them centres once",
    ),
    Made(
        name="centres_designated",
        label="children's centres designated in 2009-10",
        unit="centres",
        needs=("centres_designated",),
        varies="authority",
        make=lambda m: make.lasting(m, m.take("centres_designated").groupby(level="code").last()),
        definition="as told to Parliament, for some authorities only",
    ),
    Made(
        name="closed_main",
        label="children's centres gone since 2009-10, main centres counted",
        unit="share of the centres designated in 2009-10",
        needs=("centres_designated", "centres_listed"),
        helps=("centres_listed_dated",),
        varies="authority",
        make=lambda m: make.closed_since_2010(m, "centres_listed"),
        definition="1 − main centres open on the day of the register ÷ centres designated in 2009-10, where Parliament was told; a centre that became a linked "
        "site counts as gone, so this overstates closing",
    ),
    Made(
        name="closed_main_and_linked",
        label="children's centres gone since 2009-10, linked sites counted as centres",
        unit="share of the centres designated in 2009-10",
        needs=("centres_designated", "centres_listed", "centres_linked_listed"),
        helps=("centres_listed_dated", "centres_linked_listed_dated"),
        varies="authority",
        make=lambda m: make.closed_since_2010(m, "centres_listed", "centres_linked_listed"),
        definition="1 − (main centres + linked sites open on the day of the register) ÷ centres designated in 2009-10, where Parliament was told; in a linked "
        "site little may be done, so this understates closing",
    ),
)
BY_NAME = {one.name: one for one in VARIABLES}
