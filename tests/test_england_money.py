"""Readers of money, deprivation, low income and children's centres: small files made here in the published layouts, and the real ones where at hand.

Numbers in the made files are planted; numbers of the real files were read off by hand (file, sheet and row beside each) or stand in the field's literature.
"""

from __future__ import annotations

import csv
import zipfile
from datetime import date
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import openpyxl
import pandas as pd
import pytest

from causal.errors import DataError
from causal.sources.england.book import Book
from causal.sources.england.extract import ENGLAND, Extract
from causal.sources.england.publication import publications
from causal.sources.england.publications import (
    children_centres,
    deprivation,
    lookups,
    low_income_dwp,
    low_income_hmrc,
    producer_prices,
    revenue_summary,
    section_251,
    specific_grants,
    spending_power,
)

REAL = Path(__file__).resolve().parents[1].parent / "shared/data/england"
real_files = pytest.mark.skipif(not REAL.is_dir(), reason="the folder of real published files is not at hand (../shared/data/england)")
MODULES = (
    children_centres,
    deprivation,
    lookups,
    low_income_dwp,
    low_income_hmrc,
    producer_prices,
    revenue_summary,
    section_251,
    specific_grants,
    spending_power,
)
Rows = list[list[Any]]


def workbook(path: Path, sheets: dict[str, Rows]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def text(path: Path, rows: Rows, encoding: str = "utf-8-sig") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def ods(path: Path, sheet: str, rows: Rows) -> Path:
    """The least that is an OpenDocument spreadsheet."""

    def cell(value: object) -> str:
        if isinstance(value, (int, float)):
            return f'<table:table-cell office:value-type="float" office:value="{value}"><text:p>{value}</text:p></table:table-cell>'
        return f'<table:table-cell office:value-type="string"><text:p>{escape(str(value))}</text:p></table:table-cell>'

    names = "".join(f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text"))
    body = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows)
    content = f"<office:document-content{names}><office:body><office:spreadsheet><table:table table:name='{sheet}'>{body}</table:table></office:spreadsheet>"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        file.writestr("META-INF/manifest.xml", "<manifest:manifest xmlns:manifest='urn:oasis:names:tc:opendocument:xmlns:manifest:1.0'/>")
        file.writestr("content.xml", f"<?xml version='1.0' encoding='UTF-8'?>{content}</office:body></office:document-content>")
    return path


def take(path: Path) -> Extract:
    """Read a file as the folder would: exactly one publication may recognise it, and the edition decides."""
    book = Book(path=path)
    hits = [(one, edition) for one in publications() if (edition := one.recognise(book)) is not None]
    assert len(hits) == 1, f"{path.name}: recognised by {[one.key for one, _ in hits]}"
    return hits[0][0].read(book, hits[0][1])


def cell(extract: Extract, quantity: str, place: str, year: int) -> pd.DataFrame:
    cells = extract.cells
    return cells[(cells["quantity"] == quantity) & (cells["place"] == place) & (cells["year"] == year)]


def total(extract: Extract, quantity: str, place: str, year: int) -> float:
    """Parts added up; NaN if one is missing or none is there."""
    found = cell(extract, quantity, place, year)["value"]
    return float(found.sum(skipna=False)) if len(found) else float("nan")


# ---------------------------------------------------------------- section 251: planted lines in each year's wording
LINES_2011 = {
    "Spend on local authority management costs relating to Sure Start Children's Centres": 1.0,
    "Spend by individual Sure Start Children's Centres": 10.0,
    "Spend on local authority provided or commissioned area-wide services delivered through Sure Start Children's Centres": 4.0,
    "Total Sure Start Children's Centres": 15.0,
    "Other children looked after services": 900.0,
    "Fostering services": 30.0,
    "Total Children Looked After": 40.0,
    "LA functions in relation to child protection": 2.0,
    "Total Children and Young People's Safety": 3.0,
    "Total Family Support Services": 20.0,
    "Adoption services": 5.0,
    "Special guardianship support": 6.0,
    "Other children's and families services": 7.0,
    "Total Other Children's and Families Services": 18.0,
    "Total Children's Services Strategy": 8.0,
    "Commissioning and social work": 50.0,
    "Other Youth Justice service": 900.0,
    "Total Youth Justice": 9.0,
    "Unknown": 70.0,
    "TOTAL CHILDREN AND YOUNG PEOPLE'S SERVICES BUDGET (including CERA)": 999.0,
    "TOTAL CHILDREN AND YOUNG PEOPLE'S SERVICES BUDGET (excluding CERA)": 233.0,
    "Spend on evidence based, early intervention services delivered through Sure Start Children's Centres - (memorandum)": 900.0,
}
LINES_2012 = {
    "Spend by individual Sure Start Children's Centres": 10.0,
    "Spend on local authority provided or commissioned area-wide services": 5.0,
    "Total Sure Start Children's Centres": 15.0,
    "Fostering services": 30.0,
    "Total Children Looked After": 40.0,
    "Commissioning and social work (includes LA functions in relation to": 52.0,
    "Total Children and Young People's Safety/children social care": 53.0,
    "Adoption services": 5.0,
    "Special guardianship support": 6.0,
    "Children's Services Strategy": 8.0,
    "Spend on local authority management costs relating to Sure Start Ch": 1.0,
    "CHILDREN AND YOUNG PEOPLE'S SERVICES BUDGET (excluding CERA)": 233.0,
}
LINES_2018 = {
    "3.0.1 Spend on individual Sure Start Children's Centres": 10.0,
    "3.0.2 Spend for local authority provided or commissioned area wide services delivered through Sure Start Children's Centres": 4.0,
    "3.0.3 Spend on local authority management costs relating to Sure Start Children’s Centres": 1.0,
    "3.0.4 Other spend on children under 5": 2.0,
    "3.0.5 Total Sure Start children's centres and other spend on children under 5": 17.0,
    "3.1.2a Fostering services (excluding fees)": 30.0,
    "3.1.3 Adoption services": 5.0,
    "3.1.11 Total Children Looked After": 51.0,
    "3.2.1 Other children and families services": 7.0,
    "3.3.1 Social work (including LA functions in relation to child protection)": 52.0,
    "3.3.4 Total  Safeguarding Children and Young Peoples Services\t": 61.0,
    "3.5.3 Total Services for Young People": 70.0,
    "3.6.1 Youth Justice": 9.0,
    "5.0.2 TOTAL CHILDREN AND YOUNG PEOPLE'S SERVICES EXPENDITURE(excluding CERA)": 233.0,
}
OLD_HEAD = ["LA", "LA Name", "ReturnStatus", "Line", "S52 Line Reference", "Total Expenditure (k)", "Income (l)", "NET Current Expenditure (m)"]
TABBED_HEAD = ["LA", "LA Name", "LineNumber", "CYPServiceDescription", "ReportGroup", "TotalExpenditure", "Income", "NetCurrentExpenditure"]
NEW_HEAD = ["ident", "LA", "LA Name", "ReportGroup", "OrderLine", "Description", "s251line", "TotalExpenditure", "Income", "NetCurrentExpenditure"]


def outturn_rows(head: list[str], lines: dict[str, float], title: str = "", change: dict[tuple[str, str], Any] | None = None) -> Rows:
    """Camden, and Leeds with twice as much of everything; income is a tenth. `change`: (place, line) → gross."""
    rows: Rows = [[title], ["Cash terms figures"], [], head] if title else [head]
    for place, name, times in (("202", "Camden", 1), ("383", "Leeds", 2)):
        for number, (line, value) in enumerate(lines.items(), 1):
            gross = (change or {}).get((place, line), value * times)
            income = gross / 10 if isinstance(gross, float) else ""
            known = {"LA": float(place), "LA Name": name, "Line": number, "ReportGroup": "FAMILY SUPPORT SERVICES\t\r\n", "ident": 1, "OrderLine": number}
            known |= dict.fromkeys(("S52 Line Reference", "CYPServiceDescription", "Description"), line)
            money = [gross, income, gross - income if isinstance(income, float) else ""]
            rows.append([*(known.get(heading, "") for heading in head[:-3]), *money])
    return rows


@pytest.mark.parametrize(
    ("head", "lines", "title", "name", "expected"),
    [
        (OLD_HEAD, LINES_2011, "S251 Outturn 2010-11 - Table A1", "any.xlsx", {"safeguarding": 61, "social_work": 52, "centres": 15, "centres_management": 1}),
        (TABBED_HEAD, LINES_2012, "S251 Outturn 2011-12 - Table A1", "any.xlsx", {"safeguarding": 61, "social_work": 52, "centres": 15}),
        (NEW_HEAD, LINES_2018, "", "s251ye2018.xlsx", {"safeguarding": 61, "social_work": 52, "centres": 15, "early_years": 17, "other_children": 7}),
    ],
)
def test_section_251_means_the_same_in_every_years_wording(
    tmp_path: Path, head: list[str], lines: dict[str, float], title: str, name: str, expected: dict[str, float]
) -> None:
    """Planted: looked after 51 and safeguarding 61 with the same contents on both sides of the break of 2012-13."""
    extract = take(workbook(tmp_path / name, {"Sheet1": outturn_rows(head, lines, title)}))
    year = 2018 if not title else (2011 if "2010-11" in title else 2012)
    for quantity, value in (expected | {"looked_after_children": 51, "adoption": 5, "children_services": 233}).items():
        assert total(extract, f"{quantity}_gross", "383", year) == pytest.approx(2 * value), quantity
        assert total(extract, f"{quantity}_income", "202", year) == pytest.approx(value / 10), quantity
        assert total(extract, f"{quantity}_net", "202", year) == pytest.approx(value * 0.9), quantity
    gone = "centres_management_gross" if year == 2012 else "centres_management_inside_gross"
    assert gone not in set(extract.cells["quantity"])
    if year == 2012:  # the memorandum is not added to the centres
        assert total(extract, "centres_management_inside_gross", "202", 2012) == 1
        assert set(cell(extract, "centres_gross", "202", 2012)["part"]) == {"individual", "area-wide"}
    told = {quantity for problem in extract.problems for quantity in problem.message.split(":")[0].split(", ")}
    assert told <= {"family_support", "youth", "youth_justice", "special_guardianship", "other_children"}  # only what this made file lacks is told


def test_section_251_ods_renamed_sheet_shifted_header(tmp_path: Path) -> None:
    rows: Rows = [["a note"], [], ["another"], *outturn_rows(NEW_HEAD, LINES_2018)]
    extract = take(ods(tmp_path / "outturn 2017-18.ods", "Renamed", rows))
    assert total(extract, "youth_gross", "383", 2018) == 140
    row = cell(extract, "youth_gross", "383", 2018).iloc[0]
    assert (row["sheet"], row["row"], row["column"]) == ("Renamed", 30, "TotalExpenditure")  # 3 + header + 14 lines of Camden + Leeds's twelfth


def test_section_251_wrong_cells_cost_only_themselves(tmp_path: Path) -> None:
    line = "3.5.3 Total Services for Young People"
    change = {("202", line): "oops", ("383", "3.6.1 Youth Justice"): "NULL"}
    extract = take(workbook(tmp_path / "ye2018.xlsx", {"Table A1": outturn_rows(NEW_HEAD, LINES_2018, change=change)}))
    (problem,) = [one for one in extract.problems if one.row]
    assert (problem.row, problem.column, problem.value) == (13, "TotalExpenditure", "oops")
    assert list(cell(extract, "youth_gross", "202", 2018)["mark"]) == ["unreadable"]
    assert list(cell(extract, "youth_justice_gross", "383", 2018)["mark"]) == ["null"]
    assert total(extract, "youth_gross", "383", 2018) == 140


def test_section_251_a_lacking_part_is_told_and_never_counted_as_nothing(tmp_path: Path) -> None:
    """Without its adoption line Leeds would look as if it spent less on children looked after."""
    rows = [row for row in outturn_rows(OLD_HEAD, LINES_2011, "2010-11") if row[:1] != [383.0] or row[4] != "Adoption services"]
    extract = take(workbook(tmp_path / "x.xlsx", {"Table A1 Detailed Report": rows}))
    assert cell(extract, "looked_after_children_gross", "383", 2011).empty
    assert total(extract, "looked_after_children_gross", "202", 2011) == 51
    assert any("looked_after_children" in str(one) and "(383) lacks a line for" in str(one) for one in extract.problems)


def test_section_251_oddities_are_told_and_corrections_are_not(tmp_path: Path) -> None:
    """Nothing returned; a small correction inside a total above 0; and one of £2m."""
    zero = {("202", line): 0.0 for line in LINES_2018}
    management, social = "3.0.3 Spend on local authority management costs relating to Sure Start Children’s Centres", "3.3.1 Social work (including LA"
    small = take(workbook(tmp_path / "ye2018.xlsx", {"A": outturn_rows(NEW_HEAD, LINES_2018, change=zero | {("383", management): -3.0})}))
    assert [one.value for one in small.problems if one.row] == ["Camden"]
    assert set(small.cells[small.cells["place"] == "202"]["mark"]) == {"blank"}
    assert total(small, "centres_management_gross", "383", 2018) == -3
    lines = {("383", line): -2e6 for line in LINES_2018 if line.startswith(social)}
    large = take(workbook(tmp_path / "ye2019.xlsx", {"A": outturn_rows(NEW_HEAD, LINES_2018, change=lines)}))
    assert [one.value for one in large.problems if "below 0 (social_work)" in one.message] == ["-2000000"]


def test_section_251_year_not_told_and_another_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="ye2018"):
        take(workbook(tmp_path / "outturn.xlsx", {"A": outturn_rows(NEW_HEAD, LINES_2018)}))
    schools = Book(path=workbook(tmp_path / "ye2018.xlsx", {"Table A": outturn_rows(NEW_HEAD, {"1.0.1 Individual Schools Budget": 1.0})}))
    assert section_251.recognise(schools) is None


# ---------------------------------------------------------------- revenue outturn
SUMMARY = ["Specific and special revenue grants inside AEF", "Area Based Grant (ABG)", "Revenue Support Grant", "Redistributed non-domestic rates"]
SUMMARY += ["COUNCIL TAX REQUIREMENT (TOTAL OF LINES 830 TO 880)"]
LATER = ["Local Services Support Grant (LSSG)", "Specific and special grants inside AEF [SG line 699 as income]", "Revenue Support Grant"]
LATER += ["Retained income from Rate Retention Scheme", "COUNCIL TAX REQUIREMENT (total of lines 905 to 980)"]


def outturn_sheet(title: str, codes: bool, columns: list[str], times: float = 1.0) -> Rows:
    """A unitary authority, a shire district, a police authority and England."""
    head = ["E-code", *(["ONS Code"] if codes else []), "Local authority", "", "Class", *columns]
    rows: Rows = [[title], ["£ thousand"], [], head, []]
    for code, gss, name, kind, size in (
        ("E0101", "E06000022", "Bath & North East Somerset UA", "UA", 1),
        ("E2721", "E10000022", "North Yorkshire", "SC", 2),
        ("E0931", "E07000026", "Allerdale", "SD", 3),
        ("E7050", "E23000036", "Avon & Somerset Police", "O", 4),
        ("", "", "ENGLAND", "", 10),
        ("", "", "UNITARY AUTHORITIES", "UA", 1),
    ):
        sign = [1 if "COUNCIL TAX" in name or "rants" not in title else -1 for name in columns]
        rows.append([code, *([gss] if codes else []), name, "", kind, *(s * times * size * (i + 1) for i, s in enumerate(sign))])
    return rows


def test_revenue_summary_both_years(tmp_path: Path) -> None:
    """Grants stand as income in £ thousand; planted columns are 1, 2, … times the size of the place. Of three sheets with one header the first counts."""
    sheets = {
        "Front page": [["General Fund Revenue Account Outturn"]],
        "RS LA Data 2010-11 (1)": outturn_sheet("Revenue Outturn Summary (RS), grants: 2010-11 data", False, SUMMARY),
        "RS LA Data 2010-11 (2)": outturn_sheet("Revenue Outturn Summary (RS), grants: 2010-11 data", False, SUMMARY, times=0),
    }
    first = take(workbook(tmp_path / "a.xlsx", sheets))
    assert set(first.cells["place"]) == {"E0101", "E2721", ENGLAND}
    assert [total(first, f"rs_{name}", "E2721", 2011) for name in ("specific_grants", "area_based_grant", "business_rates", "council_tax")] == [
        2e3,
        4e3,
        8e3,
        10e3,
    ]
    assert first.links == {}
    rows = outturn_sheet("Revenue Outturn (RO) 2017-18: grants (RS) data", True, LATER)
    second = take(workbook(tmp_path / "b.xlsx", {"Front Page": [["RS"]], "Sheet renamed": rows}))
    assert total(second, "rs_local_services_support_grant", ENGLAND, 2018) == 10e3
    assert total(second, "rs_specific_grants", "E0101", 2018) == 2e3
    assert second.links == {"E0101": "E06000022", "E2721": "E10000022"}
    with pytest.raises(DataError, match="nobody raises council tax"):
        take(workbook(tmp_path / "c.xlsx", {name: rows for name, rows in sheets.items() if "(1)" not in name}))


def test_specific_grants_general_ones_are_the_total_less_schools_and_health(tmp_path: Path) -> None:
    inside = ["Dedicated Schools Grant (DSG)", "Pupil Premium Grant", "Public Health Grant (d)", "Housing Benefit Subsidy Admin Grant"]
    columns = [*inside, "The Private Finance Initiative (PFI)", "Other grants within AEF", "Total Revenue Grants Within AEF"]
    columns += ["Total Revenue Grants Outside AEF", "Total Specific And Special Revenue Grants"]
    rows = outturn_sheet("Revenue Outturn (RO) 2017-18: Specific and Special (RG) data", True, columns)
    rows[5][5 + 3] = "n/a"  # Bath: housing benefit
    extract = take(workbook(tmp_path / "x.xlsx", {"Front Page": [[""]], "RG LA Data 2017-18": rows}))
    assert total(extract, "rg_total", "E2721", 2018) == 18e3
    assert total(extract, "rg_general_grants", "E2721", 2018) == 2e3 * (7 - 1 - 2 - 3 - 4 - 5)
    assert pd.isna(total(extract, "rg_general_grants", "E0101", 2018))
    assert "rg_sure_start_grant" not in set(extract.cells["quantity"])


# ---------------------------------------------------------------- spending power, deprivation, low income, prices, lookups
def test_spending_power_pairs_marks_and_districts(tmp_path: Path) -> None:
    head = ["ons_code", "ons_name", "class", "region"]
    rows: Rows = [
        [*head, "201011_201112", "201112_201213", "201516_202021"],
        ["E09000007", "Camden", "London borough", "London", -0.07, -0.04, 0.04],
        ["E07000004", "Aylesbury Vale", "District council", "South East", -0.09, -0.07, "NA"],
        ["E10000009", "Dorset", "County council", "South West", "NA", "-O.01", "NA"],
    ]
    change = take(text(tmp_path / "a.csv", rows))
    assert set(change.cells["place"]) == {"E09000007", "E10000009"} and set(change.cells["year"]) == {2012, 2013}
    assert list(change.cells["mark"].astype(str)) == ["", "", "n/a", "unreadable"]
    assert [one.value for one in change.problems] == ["-O.01"]
    level = take(text(tmp_path / "b.csv", [[*head, "2012", "2013"], ["E09000007", "Camden", "London borough", "London", 309.65, ".."]]))
    assert total(level, "spending_power_level", "E09000007", 2012) == 309.65


def test_deprivation_year_from_the_boundaries_and_a_lost_sheet(tmp_path: Path) -> None:
    code = "Upper Tier Local Authority District code ({})"
    imd: Rows = [
        [],
        [code.format(2019), "name", "IMD - Average rank ", "IMD - Average score ", "IMD 2019 - Extent "],
        ["E09000007", "Camden", 1, 20.131, 0.1379],
    ]
    idaci: Rows = [[code.format(2019), "name", "IDACI - Average score "], ["E09000007", "Camden", "x"], ["Camden", "", 1]]
    both = take(workbook(tmp_path / "x.xlsx", {"Notes": [[]], "IMD renamed": imd, "IDACI": idaci}))
    assert total(both, "imd_2019_score", "E09000007", 2019) == 20.131 and total(both, "imd_2019_extent", "E09000007", 2019) == 0.1379
    assert list(cell(both, "idaci_2019_score", "E09000007", 2019)["mark"]) == ["x"]
    assert [one.value for one in both.problems] == ["Camden"]
    alone = take(workbook(tmp_path / "y.xlsx", {"IMD": [[one.replace("2019", "2013") if isinstance(one, str) else one for one in row] for row in imd]}))
    assert set(alone.cells["quantity"]) == {"imd_2015_score", "imd_2015_extent"} and "idaci_2015_score" in str(alone.problems[0])


def test_hmrc_labels_in_several_rows_and_districts_as_parts(tmp_path: Path) -> None:
    """The two layouts: labels with the code's heading, and labels above it with districts and other countries below."""
    poor, every = "Children in families in receipt of CTC (<60% median income) or IS/JSA", "Children in Child Benefit families"
    early: Rows = [
        ["Local Authority Code", "Local Authority", "", "", poor, "", "", every, ""],
        ["", "", "", "", "Under 16", "All Children", "", "Under 16", "All Children"],
        [],
        ["E92000001", "England", "", "", 1, 20, "", 1, 200],
        ["E09000001", "00AA", "City of London", "", 1, 5, "", 1, 50],
        ["1 These percentages are based on unrounded totals."],
    ]
    first = take(workbook(tmp_path / "low-income-2011.xlsx", {"Notes": [[]], "Summary (rounded)": early, "Children": early}))
    assert [total(first, name, ENGLAND, 2011) for name in ("hmrc_poor", "hmrc_children")] == [20, 200]
    assert first.rounding == {"hmrc_poor": 5, "hmrc_children": 5} and not first.problems
    late: Rows = [
        ["", "", "", "", "", "", "Children in families registered for Child Benefit", ""],
        ["", "Local Authority Code", "Local Authority Name", poor, "", "", "", ""],
        [],
        ["", "", "", "Under 16", "All Children", "", "Under 16", "All Children"],
        ["", "K02000001", "United Kingdom", 1, 900, "", 1, 900],
        ["", "E07000004", "Aylesbury Vale", 1, 7, "", 1, 70],
        ["", "E07000005", "Chiltern", 1, "-", "", 1, 30],
        ["", "S12000005", "Clackmannanshire", 1, 900, "", 1, 900],
    ]
    second = take(workbook(tmp_path / "snapshot 2016.xlsx", {"Summary": late}))
    assert list(second.cells["part"].astype(str).unique()) == ["E07000004", "E07000005"]
    assert second.links == {"E07000004": "E10000002", "E07000005": "E10000002"}
    assert list(cell(second, "hmrc_poor", "E07000005", 2016)["mark"]) == ["-"]
    with pytest.raises(DataError, match="low-income-2014"):
        take(workbook(tmp_path / "summary.xlsx", {"Summary": late}))


def test_dwp_by_code_and_by_name(tmp_path: Path) -> None:
    years = ["Year", "2014/15", "2014/15 - Annotations", "2020/21 (p)", "2020/21 - Annotations", ""]
    top: Rows = [["Stat-Xplore "], [], ["Relative Low Income (I II III IV V VI)"], [], years, ["National - Regional - LA - OAs", ""]]
    notes: Rows = [["Total", 99, "", 99, "", ""], [], ["INFO", "Statistical disclosure control has been applied"], ["I", '".." denotes nil']]
    codes: Rows = [["E06000047", 19564, "", "..", "", ""], ["W06000021", 1, "", 1, "", ""], ["E06000005", 12]]
    by_code = take(text(tmp_path / "a.csv", [*top, *codes, *notes]))
    assert list(by_code.cells["place"].astype(str)) == ["E06000047"] * 2 and total(by_code, "dwp_poor", "E06000047", 2015) == 19564
    assert [(one.row, one.value) for one in by_code.problems] == [(9, "E06000005")]  # cut short
    names: Rows = [["County Durham", 19533, "", "abc", "", ""], ["Newport / Casnewydd", 1, "", 1, "", ""], ["Falkirk", 1, "", 1, "", ""]]
    by_name = take(text(tmp_path / "b.csv", [*top, *names, *notes]))
    assert set(by_name.cells["place"]) == {"County Durham"} and total(by_name, "dwp_poor", "County Durham", 2015) == 19533
    assert [one.value for one in by_name.problems] == ["abc"]


def test_producer_prices_are_means_of_whole_financial_years(tmp_path: Path) -> None:
    quarters: Rows = [[f"{year} Q{quarter}", 1, 100 + 10 * year + quarter] for year in (2010, 2011) for quarter in (1, 2, 3, 4)]
    rows: Rows = [["Title", "Legal Services", "Top Level SPPI, Sections H to U excl. Section K"], ["CDID", "HSGK", "HQTI"], ["2010", 1, 95.2], *quarters]
    extract = take(text(tmp_path / "x.csv", rows))
    assert set(extract.cells["year"]) == {2011}
    assert total(extract, "producer_prices", ENGLAND, 2011) == pytest.approx((20202 + 20203 + 20204 + 20211) / 4)


def test_lookups(tmp_path: Path) -> None:
    head = ["FID", "LTLA21CD", "LTLA21NM", "UTLA21CD", "UTLA21NM"]
    districts = take(
        text(tmp_path / "a.csv", [head, [1, "E07000244", "East Suffolk", "E10000029", "Suffolk"], [2, "W06000001", "", "W06000001", ""], [3, "?"]])
    )
    assert districts.links == {"E07000244": "E10000029"} and [one.value for one in districts.problems] == ["?"]
    regions = take(text(tmp_path / "b.csv", [["la_name", "la_code", "region"], ["Camden", "E09000007", "London"]]))
    assert regions.authorities.to_dict("records")[0] | {"year": 0} == {
        "old_la_code": "", "new_la_code": "E09000007", "la_name": "Camden", "region_code": "", "region_name": "London", "year": 0,
    }  # fmt: skip


# ---------------------------------------------------------------- children's centres
HEAD = ["URN", "LA (code)", "LA (name)", "EstablishmentName", "TypeOfEstablishment (name)", "EstablishmentStatus (name)", "OpenDate", "CloseDate"]


def centre(urn: int, opened: str, closed: str, status: str = "Open", kind: str = "Children's centre", code: str = "202") -> list[Any]:
    return [urn, code, "Camden", "Café Centre", kind, status, opened, closed]


def test_register_dates_in_days_and_what_cannot_be_placed_in_time(tmp_path: Path) -> None:
    rows = [
        HEAD,
        centre(1, "", "31-08-2014", "Closed"),
        centre(2, "01-04-2006", ""),
        centre(3, "01-04-2006", "", "Closed"),
        centre(4, "01-04-2006", "31-02-2014", "Closed"),
        centre(5, "01-04-2006", "01-04-2005", "Closed"),
        centre(6, "01-04-2006", "", kind="Children's centre linked site"),
        centre(7, "01-04-2006", "", kind="Community school"),
        centre(8, "", "", "Proposed to open"),
        centre(9, "01-04-2006", "01-04-2016", "Closed", code="Camden"),
    ]
    extract = take(text(tmp_path / "results.csv", rows, encoding="cp1252"))
    by_urn = {str(urn): block for urn, block in extract.cells.groupby("part", observed=True)}
    assert set(by_urn) == {"1", "2"}
    assert list(by_urn["1"]["mark"].astype(str)) == ["blank", ""]
    assert by_urn["1"]["value"].iloc[1] == date(2014, 8, 31).toordinal() - date(1970, 1, 1).toordinal()
    assert (int(by_urn["1"]["row"].iloc[1]), str(by_urn["1"]["column"].iloc[1])) == (2, "CloseDate")
    assert by_urn["2"]["value"].iloc[0] == date(2006, 4, 1).toordinal() - date(1970, 1, 1).toordinal()
    assert [(one.row, one.value) for one in extract.problems] == [(4, ""), (5, "31-02-2014"), (6, "01-04-2005"), (10, "Camden")]


def test_open_only_extract_is_a_count_of_one_day(tmp_path: Path) -> None:
    rows = [HEAD[:-1], *(centre(urn, "", "", kind=kind)[:-1] for urn, kind in ((1, "Children's centre"), (2, "Children's centre linked site"), (3, "School")))]
    extract = take(text(tmp_path / "open_centres_20260130.csv", rows))
    assert [total(extract, name, "202", 2026) for name in ("centres_listed", "centres_linked_listed")] == [1, 1]
    assert len(extract.cells) == 2
    blank = [[*row, ""] for row in rows[1:]]
    with pytest.raises(DataError, match="open_centres_2026"):
        take(text(tmp_path / "results.csv", [HEAD, *blank]))
    assert children_centres.recognise(Book(path=text(tmp_path / "schools_2026.csv", [HEAD, centre(7, "", "", kind="School")]))) is None


def test_transcribed_tables(tmp_path: Path) -> None:
    october = take(text(tmp_path / "a.csv", [["la_name", "designated_centres_oct2009"], ["Barnet", 14]]))
    february = take(text(tmp_path / "b.csv", [["la_name", "designated_centres_feb2010", "net_expected"], ["Barnet", 18, 4]]))
    assert total(october, "centres_designated", "Barnet", 2010) == 14 and total(february, "centres_designated", "Barnet", 2010) == 18
    closures = take(text(tmp_path / "c.csv", [["calendar_year", "centres_closed"], [2015, 156], ["20x5", 1]]))
    assert total(closures, "centres_closed_calendar_year", ENGLAND, 2015) == 156 and [one.value for one in closures.problems] == ["20x5"]
    counts = take(text(tmp_path / "d.csv", [["date", "measure", "n", "source"], ["2010-04-30", "open", 3631, "DfE"], ["2015-06-30", "open main", 2677, "PQ"]]))
    assert list(counts.cells["part"].astype(str)) == ["2010-04-30", "2015-06-30"] and list(counts.cells["year"]) == [2011, 2016]


# ---------------------------------------------------------------- the real files
@pytest.fixture(scope="module")
def real() -> dict[str, tuple[str, Extract]]:
    """File's name → publication and extract, for every file of these publications."""
    out = {}
    for one, release in [(module.PUBLICATION, release) for module in MODULES for release in module.PUBLICATION.releases if "2025" not in release.name]:
        book = Book(path=next(REAL.rglob(release.name)))
        assert book.digest == release.sha256, release.name
        assert [other.key for other in publications() if other.recognise(book) is not None] == [one.key], release.name
        edition = one.recognise(book)
        assert edition == release.edition and edition in one.editions, release.name
        extract = one.read(book, edition)
        assert set(extract.cells["quantity"]) <= set(one.gives), release.name
        out[release.name] = (one.key, extract)
    return out


def joined(real: dict[str, tuple[str, Extract]], key: str) -> pd.DataFrame:
    frames = [extract.cells.astype({name: str for name in ("place", "quantity", "part", "mark")}) for one, extract in real.values() if one == key]
    return pd.concat(frames)


@real_files
def test_real_problems_are_real_oddities(real: dict[str, tuple[str, Extract]]) -> None:
    """By hand: Stockton's return of 2009-10 is blank (README); Darlington's net of 2010-11 exceeds gross less income by £1.3m in services for young people."""
    told = [(problem.path.name, problem.row) for _, extract in real.values() for problem in extract.problems]
    assert told == [("s251ye2010.xls", 3436), ("s251ye2011.xls", 4991), ("s251ye2011.xls", 4994)]


# docs/data.md (4): section 251 gross outturn, £m: Sure Start and under-5s, of which centres, family support, young people, safeguarding, looked after, total.
OUTTURN = """
2011 1397 907 870 1184 - 3036 9243
2012 1097 818 871 877 1750 3083 8634
2013 1193 770 973 816 1966 3496 8875
2014 1054 694 1044 713 2026 3661 8927
2015 946 628 1079 627 2122 3769 8933
2016 844 549 1074 528 2227 3942 9012
2017 774 500 1087 448 2334 4157 9158
2018 665 418 1088 416 2347 4477 9360
2019 592 393 1154 398 2441 4881 9855
"""


@real_files
def test_real_section_251_against_the_fields_table_and_shares(real: dict[str, tuple[str, Extract]]) -> None:
    """docs/data.md's table; F7 (NAO's 41 % and 25 %); and that the printed lines of each authority add up to its total."""
    cells = joined(real, "section_251")
    assert (cells[cells["quantity"] == "children_services_gross"].groupby("year")["place"].nunique() == 152).all()
    old = cells["part"].isin(["", "printed total"]) | ((cells["part"] == "safety") & (cells["year"] == 2012))  # before 2012-13 the table has printed totals
    england = cells[old].groupby(["quantity", "year"])["value"].sum() / 1e6
    names = ("early_years", "centres_individual", "family_support", "youth", "safeguarding", "looked_after_children", "children_services")
    for line in OUTTURN.strip().split("\n"):
        year, *numbers = line.split()
        for name, printed in zip(names, numbers, strict=True):
            if printed != "-":
                assert england[f"{name}_gross", int(year)] == pytest.approx(float(printed), abs=0.56), (
                    name,
                    year,
                )  # early years 2014-15 is £945.45m: 946 was rounded twice
    places = cells[cells["year"] > 2010].groupby(["quantity", "year", "place"])["value"].sum(min_count=1).unstack("quantity")
    total_of = {one: places[f"{one}_gross"] for one in (*names, "youth_justice", "other_children")}
    lines = ("early_years", "family_support", "youth", "safeguarding", "looked_after_children", "youth_justice", "other_children")
    rest = total_of["children_services"] - sum(total_of[one] for one in lines)
    assert rest[rest.index.get_level_values("year") > 2011].abs().max() < 1
    assert 0 < rest[rest.index.get_level_values("year") == 2011].sum() < 4.4e6  # child trust fund top-ups, a line of that year only (£4.3m)
    sums = {one: values.groupby("year").sum() for one, values in total_of.items()}
    base = sums["children_services"] - sums["youth_justice"]
    share = (base - sums["looked_after_children"] - sums["safeguarding"]) / base * 100
    assert [round(share[year], 1) for year in (2011, 2018)] == [40.5, 24.9]


@real_files
def test_real_spending_per_child_in_need_is_the_naos_range(real: dict[str, tuple[str, Extract]]) -> None:
    """F6: £566 to £5,166, gross social work ÷ episodes of need at any point, 2017-18 (City of London and Isles of Scilly left out)."""
    social = joined(real, "section_251").query("quantity == 'social_work_gross' and year == 2018").set_index("place")["value"]
    needs = pd.read_csv(next(REAL.glob("cin_census/2021-22/b1*.csv")), dtype=str).query("time_period == '2018' and geographic_level == 'Local authority'")
    episodes = pd.to_numeric(needs.set_index("old_la_code")["Anypoint_episodes"], errors="coerce")
    ratio = (social / episodes).drop(["201", "420"]).dropna()
    assert (round(ratio.min()), round(ratio.max()), len(ratio)) == (566, 5166, 150)


@real_files
def test_real_spending_power_from_accounts(real: dict[str, tuple[str, Extract]]) -> None:
    """F8: −22 % to −23.5 % in real terms by public measures. England's Sure Start grant of 2010-11 is £1,801m (README)."""
    money = pd.concat([joined(real, "revenue_summary"), joined(real, "specific_grants")])
    names = ["rs_council_tax", "rs_revenue_support_grant", "rs_business_rates", "rs_area_based_grant", "rs_local_services_support_grant", "rg_general_grants"]
    places = money[money["place"] != ENGLAND]
    assert (places.groupby(["quantity", "year"])["place"].nunique() == 152).all()
    years = places[places["quantity"].isin(names)].groupby("year")["value"].sum()
    deflator = 97.975025 / 87.103375  # GDP_deflator.xlsx, rows 9 and 2
    assert round((years[2018] / years[2011] / deflator - 1) * 100, 1) == -22.0
    change = joined(real, "spending_power").query("quantity == 'spending_power_change' and 2012 <= year <= 2018")
    chained = (1 + change.set_index(["place", "year"])["value"]).groupby("place").prod() / deflator - 1
    assert len(chained) == 151 and round(chained.mean() * 100, 1) == -23.4
    grant = money[money["quantity"] == "rg_sure_start_grant"].set_index("place")["value"]
    assert round(grant[ENGLAND] / 1e6) == 1801
    assert grant.drop(ENGLAND).sum() / 1e6 == pytest.approx(1800, abs=1)  # London, metropolitan, unitary and county rows below England's


BY_HAND = """
s251ye2010.xls adoption_gross 201 2010 56541
s251ye2010.xls children_services_gross 938 2010 75147763.53639
s251ye2010.xls safeguarding_gross 330 2010 58284567
s251ye2011.xls centres_gross 330 2011 37402624.4
s251ye2011.xls youth_gross 330 2011 24025923.91
s251ye2011.xls safeguarding_net 330 2011 51374958
s251ye2011.xls social_work_gross 330 2011 49165304
s251ye2012.xlsx looked_after_children_gross 938 2012 43055149
s251ye2012.xlsx centres_management_inside_gross 938 2012 660000
s251ye2012.xlsx youth_justice_income 938 2012 1245409
s251ye2013.xlsx early_years_other_gross 201 2013 959350
s251ye2013.xlsx social_work_gross 201 2013 512164
s251ye2014.ods centres_management_gross 202 2014 998062.22
s251ye2014.ods early_years_net 202 2014 9322195.73
s251ye2015.xlsx family_support_gross 938 2015 26619720
S251ye2018.xlsx centres_management_gross 845 2018 -3013
S251ye2018.xlsx social_work_income 837 2018 627508
S251ye2019.xlsx centres_individual_net 201 2019 440014.74
S251ye2019.xlsx other_children_gross 938 2019 1764547.14
S251ye2019.xlsx children_services_gross 938 2019 122946257.56
Revenue_Outturn_Summary__RS__data_2010-11_by_LA_-_27-Nov-2012-v2.xls rs_council_tax E0101 2011 78762000
Revenue_Outturn_Summary__RS__data_2010-11_by_LA_-_27-Nov-2012-v2.xls rs_business_rates E5049 2011 107371000
Revenue_Outturn_Summary__RS__data_2010-11_by_LA_-_27-Nov-2012-v2.xls rs_area_based_grant E92000001 2011 4363416000
RS_2017-18_data_by_LA.xlsx rs_local_services_support_grant E2721 2018 645000
RS_2017-18_data_by_LA.xlsx rs_revenue_support_grant E5049 2018 33463000
RS_2017-18_data_by_LA.xlsx rs_specific_grants E92000001 2018 39328894229.62
Revenue_Outturn__RG__data_2010-11_by_LA_-_27-Nov-2012-v2.xls rg_sure_start_grant E0101 2011 4464000
Revenue_Outturn__RG__data_2010-11_by_LA_-_27-Nov-2012-v2.xls rg_general_grants E2721 2011 26851000
RG_2017-18_data_by_LA_-_revised.xlsx rg_general_grants E0101 2018 9829912.03
RG_2017-18_data_by_LA_-_revised.xlsx rg_total E2721 2018 410254000
SpendingPercentage.csv spending_power_change E09000007 2012 -0.07
SpendingPercentage.csv spending_power_change E06000014 2020 0.08
SpendingMillions.csv spending_power_level E06000053 2012 4.61
SpendingMillions.csv spending_power_level E06000014 2021 135.62
imd-2015.xlsx imd_2015_score E06000001 2015 33.178
imd-2015.xlsx imd_2015_extent E10000034 2015 0.1143
imd-2015.xlsx idaci_2015_score E09000007 2015 0.272
imd-2019.xlsx imd_2019_score E10000034 2019 18.089
imd-2019.xlsx imd_2019_extent E06000001 2019 0.4973
imd-2019.xlsx idaci_2019_score E10000034 2019 0.142
low-income-2011.xls hmrc_poor E09000001 2011 110
low-income-2011.xls hmrc_children E10000034 2011 117920
low-income-2015.xlsx hmrc_poor E10000034 2015 15370
low-income-2016.xlsx hmrc_poor E07000004 2016 3930
low-income-2016.xlsx hmrc_children E09000033 2016 28545
children-relative-low-income-0-19-2015-22-code.csv dwp_poor E06000047 2015 19564
children-relative-low-income-0-19-2015-22-code.csv dwp_poor E10000027 2022 21111
children-rel-low-inc-utla-2015-21.csv dwp_poor Somerset 2021 16998
sppi_2022.csv producer_prices E92000001 1999 80.975
sppi_2022.csv producer_prices E92000001 2011 95.425
sppi_2022.csv producer_prices E92000001 2022 111.275
gias_open_childrens_centres_2026_schools.csv centres_listed 201 2026 1
gias_open_childrens_centres_2026_schools.csv centres_listed 938 2026 43
gias_open_childrens_centres_2026_schools.csv centres_linked_listed 886 2026 5
national_closures_by_calendar_year_PQ55895.csv centres_closed_calendar_year E92000001 2015 156
"""
# Where each stands, in the order above: sheet (where there are several) and row or rows.
# 2010: 36; 6692; 1478 + 1496. 2011: 1725 to 1727; 1767; 1743 + 1758 + 1759; 1741 + 1759. 2012: 1824 + 3648 + 3800; 6080; 5320. 2013: 7; 21. 2014: 40; 42.
# 2015: 5013. 2018: 2376; 2293. 2019: 2; 3844; 5469. RS 2010-11, sheet (1): 8; 360; 454. RS 2017-18, sheet "RS LA Data 2017-18": 43; 92; 455. RG 2010-11:
# 11; 208 (415,345 less 328,864, 19,452, 39,474, 704). RG 2017-18: 6 (95,010.76003 less 71,351.258, 2,578.598, 311.578, 1,304.293, 9,166, 469.121); 203.
# Spending power: 2; 353; 97; 353. IMD 2015: IMD 2; IMD 153; IDACI 100. IMD 2019: IMD 152; IMD 2; IDACI 152. Low income: 6; 157; 162; 73; 342; 12; 163; 163.
# SPPI, column 43: 31 to 34; 79 to 82; 123 to 126. Register: rows of authorities 201, 938 and 886 counted by type. Closures: 7.


@real_files
@pytest.mark.parametrize("line", BY_HAND.strip().split("\n"))
def test_real_cells_read_by_hand(real: dict[str, tuple[str, Extract]], line: str) -> None:
    name, quantity, place, year, value = line.split()
    assert total(real[name][1], quantity, place, int(year)) == pytest.approx(float(value), rel=1e-9)


@real_files
def test_real_authorities_and_national_sums(real: dict[str, tuple[str, Extract]]) -> None:
    """Counts of authorities, and sums of authorities against the country's own row (HMRC) or the README (centres); every district of 2016 has its county."""
    deprived = joined(real, "deprivation").groupby(["quantity", "year"])["place"].nunique()
    assert deprived["imd_2015_score", 2015] == 152 and deprived["imd_2019_score", 2019] == 151  # Dorset and BCP are two of three from 2019
    poor = joined(real, "low_income_hmrc")
    nation = poor[poor["place"] == ENGLAND].set_index(["quantity", "year"])["value"]
    sums = poor[poor["place"] != ENGLAND].groupby(["quantity", "year"])["value"].sum()
    assert (sums - nation).abs().max() <= 20 and len(sums) == 12  # each number is rounded to 5, so sums of 152 differ a little
    links = real["ltla-utla-lookup.csv"][1].links | real["low-income-2016.xlsx"][1].links
    districts = real["low-income-2016.xlsx"][1].cells.query("part != ''")["place"].astype(str).unique()
    assert len(districts) == 201 and set(districts) <= set(links)
    assert len({links[one] for one in districts}) == 27  # shire counties
    dwp = joined(real, "low_income_dwp").groupby("year")["place"].nunique()
    assert set(dwp) == {304, 152}  # 152 codes and 152 names, to 2021; 152 codes in 2022
    codes = set(real["RS_2017-18_data_by_LA.xlsx"][1].links)
    printed = set(joined(real, "revenue_summary").query("year == 2011")["place"]) - {ENGLAND}
    assert printed == codes and len(codes) == 152
    centres = joined(real, "children_centres").groupby(["quantity", "year"])["value"].sum()
    assert [centres[name, 2026] for name in ("centres_listed", "centres_linked_listed")] == [2298, 694]
    assert total(real["hansard_2010-04-06_designated_centres_feb2010_LONDON.csv"][1], "centres_designated", "Barking and Dagenham", 2010) == 16
    assert real["hansard_2010-04-06_designated_centres_feb2010_LONDON.csv"][1].cells["value"].sum() == 546
