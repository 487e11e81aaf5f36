"""A small England in the published layouts, for tests: eight authorities of 10,000 children, every publication that has a file of its own layout."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from pathlib import Path

import openpyxl

PLACES = """
202 E09000007 Camden
383 E08000035 Leeds
845 E10000011 East Sussex
874 E06000031 Peterborough
201 E09000001 City of London
835 E10000009 Dorset
836 E06000029 Poole
837 E06000028 Bournemouth
838 E06000059 Dorset
839 E06000058 Bournemouth, Christchurch and Poole
"""
NAMES = {line[:3]: line[14:] for line in PLACES.split("\n") if line}
CODES = {line[:3]: line[4:13] for line in PLACES.split("\n") if line}
OLD = {code: gss for code, gss in CODES.items() if code not in ("838", "839")}  # to March 2019
NEW = {code: gss for code, gss in CODES.items() if code not in ("835", "836", "837")}
TIDY = [f"{kind}_{part}" for kind, part in (("time", "period"), ("time", "identifier"), ("geographic", "level"), ("country", "code"), ("country", "name"))]
TIDY += ["region_code", "region_name", "old_la_code", "new_la_code", "la_name"]
CENTRES = (
    "Spend by individual Sure Start Children's Centres",
    "Spend on local authority provided or commissioned area-wide services",
    "Spend on local authority management costs relating to Sure Start Children’s Centres",
)
# The other lines of section 251 and £ per authority: those before the break of 2012-13, and those since.
BEFORE = {
    "Total Sure Start Children's Centres": 2e6,
    "Total Family Support Services": 1e6,
    "Total Services for young people": 2e6,
    "Youth Justice": 1e6,
    "Total Children and Young People's Safety": 5e5,
    "Total Children's Services Strategy": 2.5e5,
    "Total Children Looked After": 2.5e6,
    "Adoption services": 4e5,
    "Special guardianship support": 1e5,
    "Other children and families services": 1e5,
    "Children and Young People's Services Expenditure (excluding CERA)": 12e6,
    "Fostering services": 1e6,
}
SINCE = {
    "Other early years expenditure": 1e5,
    "Total Sure Start Children's Centres and other spend on children under 5": 1.5e6,
    "Total Family Support Services": 1e6,
    "Total Services for young people": 5e5,
    "Total Youth Justice": 1e6,
    "Total Safeguarding Children and Young People's Services": 4e6,
    "Social work (including LA functions in relation to child protection)": 3e6,
    "Total Children Looked After": 3e6,
    "Adoption services": 4e5,
    "Special guardianship support": 1e5,
    "Other Children and families services": 1e5,
    "Total Children and Young People's Services Budget (excluding CERA)": 11e6,
    "Fostering services": 1e6,
}


def save_csv(path: Path, rows: Iterable[Iterable[object]], encoding: str = "utf-8-sig") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file).writerows(rows)


def save_sheet(path: Path, rows: Iterable[Iterable[object]], sheet: str = "Sheet1") -> None:
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(list(row))
    book.save(path)


def tidy(path: Path, years: range, columns: dict[str, Callable[[str, int], object]], extra: dict[str, object] | None = None) -> None:
    """A file of DfE's 2022 release: national row, then authorities, the newest year first."""
    extra = extra or {}
    rows: list[list[object]] = [[*TIDY, *extra, *columns]]
    for year in reversed(years):
        rows.append([year, "Reporting year", "National", "E92000001", "England", "", "", "", "", "", *extra.values(), *[99] * len(columns)])
        for code, gss in (OLD if year < 2020 else NEW).items():
            region = ("E13000001", "Inner London") if gss.startswith("E09") else ("E12000009", "South West")
            values = [value(code, year) for value in columns.values()]
            rows.append([year, "Reporting year", "Local authority", "E92000001", "England", *region, code, gss, NAMES[code], *extra.values(), *values])
    save_csv(path, rows)


def spend(code: str, year: int) -> list[float]:
    """Gross £ on the three lines: 10,000 children everywhere, so £1,000,000 is £100 a child."""
    if code == "874":
        return [50_000.0, 0.0, 0.0]  # £5 a child: no base
    if code == "845":
        return [300_000.0 if year == 2011 else 900_000.0, 0.0, 0.0]  # trebles: misrecorded base
    return [1_000_000.0 * (2019 - year) / 8, 500_000.0, 100_000.0 if year != 2012 else 70_000.0]


def build(folder: Path) -> Path:
    """Write every file; the folder itself is returned."""
    cin = folder / "cin"

    def always(value: object) -> Callable[[str, int], object]:
        return lambda code, year: value

    tidy(
        cin / "d1.csv",
        range(2013, 2023),
        {
            "CPP_start": always(60),
            "CPP_end": always(55),
            "CPP_anypoint": always(110),
            "CPP_At31": lambda code, year: "c" if (code, year) == ("383", 2016) else 50,
        },
    )
    tidy(
        cin / "c1.csv",
        range(2013, 2023),
        {"Referrals": always("1,500"), "Re_referrals": always(300), "No_Further_Action": always(100), "Not_in_Need": always(200)},
    )
    tidy(cin / "c4.csv", range(2013, 2023), {"Section47": lambda code, year: ".." if year == 2013 else 100, "ICPC": always(70)})
    tidy(
        cin / "b1.csv",
        range(2013, 2023),
        {"Anypoint_episodes": always(400), "Anypoint_child": always(380), "Started_episodes": always(200), "At31_episodes": always(210)},
    )
    tidy(
        cin / "population.csv",
        range(2012, 2021),
        {"population_estimate": lambda code, year: 15_000 if code in ("838", "839") else 10_000},
        {"age_group": "Children aged 0 to 17 years"},
    )
    for year, heads in (
        (2010, ("CPPAt310310", "Referrals0910", "S47in0910", "CINThro0910")),
        (2011, ("CPPAt310311", "Referrals1011", "S47in1011", "CINThro1011")),
        (2012, ("CPPAt310312", "Referrals1112", "S471112", "CINThro1112")),
    ):
        rows = [["National", "921", "England", "1,0", 1, 1, 1], *[["LA", code, NAMES[code], "x" if year == 2010 else 40, "2,000", 90, 450] for code in OLD]]
        save_csv(cin / f"first {year}.csv", [["geog_l", "geog_c", "geog_n", *heads], *rows], encoding="cp1252")
    for year in range(2011, 2016):
        wide = [["E92000001", "National", "", "ENGLAND", 99], *[[gss, "LA", code, NAMES[code], 75] for code, gss in OLD.items()]]
        save_csv(folder / f"SFR_CLA{year}.csv", [["New_geog_code", "geog_l", "geog_c", "geog_n", f"CLA_Mar{year}"], *wide])
    years = list(range(2009, 2021))
    bands: list[list[object]] = []
    for age in ("Aged 0-4", "Aged 5-9", "Aged 10-14", "Age 15", "Age 16"):
        bands += [[], ["Population estimates"], ["Age        :", age], [], ["local authority: county / unitary (as of April 2021)", "mnemonic", *years], []]
        bands += [[NAMES[code], gss, *[(900 if year < 2012 else 1000) * (1.5 if code in ("838", "839") else 1) for year in years]] for code, gss in NEW.items()]
    save_csv(folder / "nomis.csv", bands)
    for year in range(2011, 2020):
        section_251(folder / f"s251ye{year}.xlsx", year)
    save_sheet(folder / "deflator.xlsx", [["year", "gdp", "deflator_2019"], *[[year, 82.0 + year - 2000, 1] for year in range(2011, 2020)]])
    head = ["Upper Tier Local Authority District code (2013)", "Name", "IMD - Average score", "IMD - Extent"]
    book = openpyxl.Workbook()
    book.active.title = "IMD"
    for row in [head, *[[gss, NAMES[code], float(code[-1]), 0.1] for code, gss in OLD.items()]]:
        book.active.append(row)
    idaci = book.create_sheet("IDACI")
    for row in [[*head[:2], "IDACI - Average score"], *[[gss, NAMES[code], 0.2] for code, gss in OLD.items()]]:
        idaci.append(row)
    book.save(folder / "deprivation.xlsx")
    changes = [f"{year - 2}{(year - 1) % 100:02d}_{year - 1}{year % 100:02d}" for year in range(2012, 2021)]
    rows = [[gss, NAMES[code], "Unitary authority", "x", *["-0.10"] * 9] for code, gss in OLD.items() if code != "201"]
    districts = [["E07000049", "East Dorset", "District council", "x", *["-0.9"] * 9]]
    save_csv(folder / "power.csv", [["ons_code", "ons_name", "class", "region", *changes], *rows, *districts])
    for year in range(2011, 2016):
        poor, every = "Children in families in receipt of CTC (<60% median income) or IS/JSA ", "Children in Child Benefit families"
        top = ["Local Authority Code", "Local Authority", "", "", poor, "", "", every]
        sub = ["", "", "", "", "Under 16", "All Children", "", "Under 16", "All Children"]
        body = [[gss, "00AA", NAMES[code], "", 0, 2000 + 100 * (year - 2011), "", 0, 10_000] for code, gss in [("202", "E92000001"), *OLD.items()]]
        save_sheet(folder / f"august {year}.xlsx", [top, sub, [], *body], "Summary")
    dwp_years = [cell for year in range(2014, 2022) for cell in (f"{year}/{(year + 1) % 100:02d}" + (" (p)" if year == 2021 else ""), "Annotations")]
    rows = [
        [gss, *[cell for year in range(2015, 2023) for cell in ((1000 if code not in ("838", "839") else 1500) + 100 * (year - 2015), "")]]
        for code, gss in NEW.items()
    ]
    title = [["Stat-Xplore"], [], ["Relative Low Income (I II III IV V VI)"], ["Year", *dwp_years], ["National - Regional - LA - OAs"]]
    save_csv(folder / "dwp.csv", [*title, *rows, [], ["Symbol", "x"]])
    keys = ["E-code", "ONS Code", "Local authority", "Class"]
    lines = ["Revenue Support Grant", "Redistributed non-domestic rates", "Specific and special grants inside AEF", "COUNCIL TAX REQUIREMENT (TOTAL)"]
    for year, own in ((2011, "Area Based Grant (ABG)"), (2018, "Local Services Support Grant (LSSG)")):
        rows = [[f"E0{code}", gss, NAMES[code], "UA", -200, -300, -50, 400, -100] for code, gss in OLD.items()]
        sheet = [[f"Revenue Outturn {year - 1}-{year % 100}"], [*keys, *lines, own], [], *rows, ["E6101", "", "Fire", "O", 0, 0, 0, 0, 0]]
        if year == 2011:  # no GSS codes yet
            sheet = [[*row[:1], *row[2:]] for row in sheet]
        save_sheet(folder / f"summary {year}.xlsx", sheet, f"RS LA Data {year - 1}-{year % 100}")
    return folder


def section_251(path: Path, year: int) -> None:
    """Table A1 of one year."""
    title = [[f"S251 Outturn {year - 1}-{year % 100} - Table A1"], [], []] if year < 2014 else []
    lines = dict(BEFORE if year < 2013 else SINCE)
    if year == 2011:
        lines |= {"Commissioning and social work": 3e6, "LA functions in relation to child protection": 2e5}
    if year == 2012:
        lines |= {"Commissioning and Social Work (including LA functions in relation to child protection)": 3e6}
    rows = []
    for code in OLD:
        centres = [(words, value) for words, value in zip(CENTRES, spend(code, year), strict=True) if not (year == 2013 and "management" in words)]
        memorandum = [("Spend on evidence based, early intervention services delivered through Sure Start Children's Centres", 9e9)]
        for i, (words, value) in enumerate([*centres, *lines.items(), *memorandum]):
            rows.append([float(code), NAMES[code], i, words, *[0] * 4, value, 0, value])
    head = ["LA", "LA Name", "LineNumber", "CYPServiceDescription", "OwnProvision", "PrivateProvision", "OtherPublic", "Voluntary"]
    save_sheet(path, [*title, [*head, "TotalExpenditure", "Income", "NetCurrentExpenditure"], *rows])


REGISTER_COLUMNS = (
    "URN", "LA (code)", "LA (name)", "EstablishmentName", "TypeOfEstablishment (name)", "EstablishmentStatus (name)", "OpenDate", "CloseDate",
)  # fmt: skip


def register(path: Path, rows: Iterable[tuple[str, str, str, str, str]], columns: tuple[str, ...] = REGISTER_COLUMNS, urns: list[str] | None = None) -> None:
    """Rows of (authority, type, status, open date, close date)."""
    body = [
        [urns[i] if urns else i, code, NAMES.get(code, ""), f"Centre {i}", kind, status, opened, closed][: len(columns)]
        for i, (code, kind, status, opened, closed) in enumerate(rows)
    ]
    save_csv(path, [columns, *body], encoding="cp1252")


CENTRE = "Children's centre"
REGISTER = [
    ("202", CENTRE, "Closed", "01-09-2006", "31-03-2012"),  # closed on the day itself: counts in 2012
    ("202", CENTRE, "Closed", "", "01-04-2014"),  # the day after: counts in 2015
    ("202", CENTRE, "Open", "01-02-2008", ""),
    ("202", CENTRE, "Open", "01-06-2011", ""),  # opened after the base
    ("202", CENTRE, "Closed", "01-02-2005", "01-02-2009"),  # closed before it
    ("202", "Children's centre linked site", "Closed", "01-02-2008", "01-01-2013"),
    ("202", "Community school", "Closed", "01-02-2008", "01-01-2013"),
    ("383", CENTRE, "Open", "", ""),
    ("383", CENTRE, "Closed", "", ""),  # closed nobody knows when
    ("836", CENTRE, "Closed", "", "01-05-2016"),
    ("839", CENTRE, "Open", "", ""),  # the same place under its later code
    ("201", CENTRE, "Open", "", ""),
]
