"""DfE's open data standard: the example pair of files printed in the standard passes, and each rule it states is noticed when it is broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from causal.cli import main
from causal.open_data import META, header, problems, results

# the example of the standard (DfE, Open data standards: “Overview of EES data files”), with the columns that its page abridges
HEADS = "time_period,time_identifier,geographic_level,country_code,country_name,region_code,region_name,gender,school_phase,children_count,children_percent"
EXAMPLE = f"""{HEADS}
202021,Academic year,National,E92000001,England,,,Total,Total,1000,100.000
202021,Academic year,National,E92000001,England,,,Male,Total,490,49.000
202021,Academic year,National,E92000001,England,,,Male,Primary,131,52.400
202021,Academic year,Regional,E92000001,England,E12000001,North East,Total,Total,100,100.000
202021,Academic year,Regional,E92000001,England,E12000001,North East,Male,Total,32,32.000
201920,Academic year,National,E92000001,England,,,Total,Total,956,100.000
201920,Academic year,National,E92000001,England,,,Male,Total,c,low
"""
DESCRIBED = f"""{",".join(META)}
gender,Filter,Gender,,,,Filter by pupil gender,
school_phase,Filter,School phase,,,,Filter by the phase of the school,
children_count,Indicator,Number of children,,,,,
children_percent,Indicator,Percentage of children,,%,1,,
"""


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    (tmp_path / "ees_demo_datafile.csv").write_text(EXAMPLE, encoding="utf-8")
    (tmp_path / "ees_demo_datafile.meta.csv").write_text(DESCRIBED, encoding="utf-8")
    return tmp_path / "ees_demo_datafile.csv"


def test_the_standards_own_example_follows_it(pair: Path) -> None:
    assert problems(pair) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("time_identifier", "time identifier", "wanted small letters, digits and _"),
        (",country_code", ",country", "there is no column 'country_code', which every file has"),
        ("gender,school_phase", "gender,gender", "2 columns are called 'gender'"),
        ("202021,Academic year,National", "2021,Academic year,National", "does not have the digits of its time_identifier"),
        ("202021,", "202022,", "is not two years running"),
        ("202021,Academic year,National", "2021,Calendar year,National", "mixes Academic year and Calendar year"),
        ("Academic year", "School year", "'School year' is none of the standard's"),
        ("Regional", "Region", "'Region' is none of"),
        ("England,E12000001,North East", "England,,North East", "column 'region_code', rows 5 and 6: the cell is blank"),
        ("E92000001,England,,,Total", "E92000001,England,E12000001,North East,Total", "stands where the row's level has none"),
        ("E92000001", "92", "'92' is no code of this kind"),
        ("E92000001,England,,,Total", "E92000001,Wales,,,Total", "'E92000001' stands for England and Wales"),
        ("Male,Primary", ",Primary", "column 'gender', row 4: the cell is blank"),
        ("Male,Primary,131", "Male,Total,131", "row 4 has the period, place and filters of row 3"),
        ("Total,1000", 'Total,"1,000"', "'1,000' is neither a plain number nor one of the symbols"),
        ("Total,1000", "Total,", "column 'children_count', row 2: the cell is blank"),
        ("Total,1000", "Total,1e3", "'1e3' is neither a plain number"),
        ("Total,1000", "Total,:", "':' is neither a plain number"),
        ("Total,1000,", "Total,1000,7,", "row 2 has 12 cells, and there are 11 columns"),
        ("Male,Primary", "Male ,Primary", "'Male ' begins or ends with a space"),
        ("1000,100.000\n", "1000,100.000\n,,,,,,,,,,\n", "row 3 is blank"),
        ("children_count,children_percent", "estimate,est_lower_ci", "here there is only estimate and est_lower_ci"),
    ],
)
def test_what_breaks_the_standard_is_said(pair: Path, old: str, new: str, says: str) -> None:
    assert old in EXAMPLE
    pair.write_text(EXAMPLE.replace(old, new), encoding="utf-8")
    assert any(says in one for one in problems(pair)), problems(pair)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("col_type", "type", "there is no column 'col_type'"),
        ("gender,Filter", "sex,Filter", "there is no such column"),
        ("gender,Filter", "time_period,Filter", "columns of time and place are not described"),
        ("children_count,Indicator", "children_count,indicator", "col_type is 'indicator'"),
        ("Number of children", "", "there is no label"),
        ("Number of children", "Percentage of children", "is given to 2 columns"),
        (",%,1", ",percent,1", "indicator_unit is 'percent'"),
        (",%,1", ",%,one", "indicator_dp is 'one'"),
        ("gender,Filter,Gender,,,", "gender,Filter,Gender,,%,", "a column of the kind Filter has none"),
        ("gender,Filter,Gender,,,,Filter by pupil gender,\n", "", "column 'gender' is not described"),
    ],
)
def test_a_wrong_description_is_said(pair: Path, old: str, new: str, says: str) -> None:
    assert old in DESCRIBED
    pair.with_name("ees_demo_datafile.meta.csv").write_text(DESCRIBED.replace(old, new), encoding="utf-8")
    assert any(says in one for one in problems(pair)), problems(pair)


def test_files_that_are_no_such_tables(pair: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert results(header(pair)) and main(["check", str(pair)]) == 0
    assert "it follows DfE's open data standard" in capsys.readouterr().out
    pair.with_name("ees_demo_datafile.meta.csv").unlink()
    assert main(["check", str(pair)]) == 2
    assert "no ees_demo_datafile.meta.csv beside it" in capsys.readouterr().out
    odd = tmp_path / "My File.csv"
    odd.write_bytes(EXAMPLE.replace("North East", "Nord-Öst").encode("latin-1"))
    assert [one[:20] for one in problems(odd)] == ["the file's name is '", "it is not UTF-8 (byt"]
    assert header(odd) == [] and not results(["time_period", "authority"]) and not results([*HEADS.split(","), "new_la_code"])
