"""DfE: Children in need census as first published, 2009-10 to 2016-17: one wide row for each authority, the year inside every heading.

Headings change from year to year and are sometimes wrong (2016-17 heads children in need at 31 March 2017 `CINAt310316`), so each is matched whatever year it
names, and the year is the one that most headings name. What these files call the number of children in need throughout the year are episodes: the
release of 2016-17 prints both, and its episodes go on where the years before end.
"""

from __future__ import annotations

import re
from collections import Counter

from causal.errors import DataError, refusal
from causal.sources.england.book import Book
from causal.sources.england.extract import ENGLAND, Cells, Extract
from causal.sources.england.publication import Edition, Publication, Release
from causal.sources.england.publications.children_in_need import ABUSE, GIVES, note_authority, note_lacking, prints, rows

YEARS = range(2010, 2018)
PLACE = {"level": "geog_l", "old": "geog_c"}
NAMES = {"new": "new_la_code", "name": "geog_n"}
NEED = r"CINAt3103\d\d(?:I?A)?PriNeed"
# Quantity → heading. ":missing" is a part: until 2012 needs that were missing stand beside those not stated.
COLUMNS = {
    "need_episodes": r"CIN(?:Episodes)?Thro\d{4}",
    "need_children": r"CINChildrenThro\d{4}",
    "need_started": r"CIN(?:Episodes)?Starting\d{4}",
    "need_at_31_march": r"CINAt3103\d\d",
    "need_abuse_or_neglect": NEED + "Abuse/Neglect",
    "need_childs_disability": NEED + "ChildDisability/Illness",
    "need_parents_disability": NEED + "ParentDisability/Illness",
    "need_acute_stress": NEED + "FamilyStress",
    "need_family_dysfunction": NEED + "FamilyDysfunction",
    "need_unacceptable_behaviour": NEED + "UnacceptableBehaviour",
    "need_low_income": NEED + "LowInc",
    "need_absent_parenting": NEED + "AbsentParent",
    "need_other_cases": NEED + "Other",
    "need_not_stated": NEED + "NotStated",
    "need_not_stated:missing": r"CINAt3103\d\dPrimaryNeedMissingUnknown",
    "referrals": r"Referrals\d{4}",
    "re_referrals": r"ReferralsWithin12mths\d{4}",
    "referrals_no_further_action": r"ReferralsNFA\d{3,4}",  # 2012 prints ReferralsNFA112
    "referrals_not_in_need": r"ReferralsI?ANotInNeed\d{4}",
    "initial_assessments": r"IAs\d{4}",
    "core_assessments": r"CAs\d{4}",
    "assessments": r"(?:SAs|Assessments)\d{4}",
    "section47": r"S47(?:in)?\d{4}",
    "conferences": r"ICPC(?:in)?\d{4}",
    "plans_started": r"CPP(?:In|Start|EpisodesStart)\d{4}",
    "plans_ended": r"CPP(?:Episodes)?Ceased\d{4}",
    "plans_any": r"CPP(?:during20|EpisodeThru)\d{4}",
    "plans": r"CPPAt3103\d\d",
    **{f"plans_{kind}": rf"CPPAt3103\d\dLatestAbuse{kind}" for kind in ABUSE},
    **{f"plans_started_{kind}": rf"CPP(?:In|Start)\d{{4}}InitialAbuse{kind}" for kind in ABUSE},
    "population_0_17_first": r"Mid20\d\dPop0-?17",
}
# What not every year prints; 2010 counts children referred more than once, which is not the number of re-referrals.
PRINTED: dict[str, tuple[int, ...]] = {
    "need_children": (2017,),
    "need_not_stated:missing": (2010, 2011, 2012),
    "re_referrals": tuple(range(2011, 2018)),
    "referrals_no_further_action": tuple(range(2012, 2018)),
    "referrals_not_in_need": tuple(range(2012, 2018)),
    "initial_assessments": tuple(range(2010, 2015)),
    "core_assessments": tuple(range(2010, 2015)),
    "assessments": tuple(range(2014, 2018)),
    "plans_any": (2014, 2015, 2017),
}
OWN = {
    "initial_assessments": "initial assessments completed in the year, number",
    "core_assessments": "core assessments completed in the year, number",
    "population_0_17_first": "children aged 0 to 17 as printed beside the first release of the year, rounded to 100, number",
}
WEAK = "2010 was the census's first year: 8 authorities gave no children in need, 14 no plans at 31 March and no section 47 enquiries; England's are estimates"
PILOTS = "from 2012 authorities that tried out combined assessments gave none"
MOVED = "in 2014 authorities moved to combined assessments; of those that moved within the year only a part is counted"


def recognise(book: Book) -> Edition | None:
    """A wide header, which holds the year."""
    if not prints(book, frozenset(PLACE.values())):
        return None
    header = next((row for row in book.head("") if set(PLACE.values()) <= {cell.lower() for cell in row}), [])
    if not any(re.fullmatch(COLUMNS["referrals"], cell, re.IGNORECASE) for cell in header):
        return None
    year = _year(header)
    return Edition(year=year, part="" if year else "year not told")


def _year(header: list[str]) -> int:
    """The year ending 31 March that most headings name, as in Referrals1011; one or two headings in some files name another."""
    named = Counter(found[2] for cell in header for found in re.finditer(r"(?<!\d)(\d\d)(\d\d)(?!\d)", cell) if int(found[1]) + 1 == int(found[2]))
    return 2000 + int(named.most_common(1)[0][0]) if named else 0


def read(book: Book, edition: Edition) -> Extract:
    """One row for the country and one for each authority."""
    cells, year = Cells(book.path), edition.year
    if not year:
        raise refusal(
            DataError,
            str(book.path),
            "a heading that names the year, as Referrals1617 names 2016-17",
            "none",
            "fetch the file again as published, or undo changes to its headings",
        )
    table = book.wanted(PLACE, optional=NAMES | COLUMNS)
    note_lacking(table, cells, {name: heading for name, heading in COLUMNS.items() if year in PRINTED.get(name, YEARS)})
    printed = [(name, *name.partition(":")[::2]) for name in COLUMNS if name in table.at]
    for row, place, record in rows(table, cells):
        if place != ENGLAND:
            note_authority(cells, year, record)
        for name, quantity, part in printed:
            cells.add(table, row, quantity, record[name], place=place, year=year, column=name, part=part)
    return cells.extract()


_given = {name.partition(":")[0] for name in COLUMNS}
PUBLICATION = Publication(
    key="children_in_need_first",
    title="DfE, Children in need census, first releases",
    page="https://www.gov.uk/government/collections/children-in-need-census",
    gives={quantity: words for quantity, words in (GIVES | OWN).items() if quantity in _given},
    editions=tuple(Edition(year=year) for year in YEARS),
    recognise=recognise,
    read=read,
    released=lambda edition: edition.year,
    breaks={
        **{quantity: {2011: WEAK} for quantity in _given if 2010 in PRINTED.get(quantity, YEARS)},
        "initial_assessments": {2011: WEAK, 2012: PILOTS, 2014: MOVED},
        "core_assessments": {2011: WEAK, 2012: PILOTS, 2014: MOVED},
        "population_0_17_first": {2012: "mid-2011 on the base of the Census of 2011, before on that of 2001"},
    },
    releases=tuple(
        Release(name=name, sha256=sha256, edition=Edition(year=year))
        for year, name, sha256 in (
            (2010, "osr28-2010ud.csv", "074a696f5f2d4d2f7282e33eba1ef346786345341252fdb1f9da9b9e9dc2db4a"),
            (2011, "osr26-2011ud.csv", "94d89a671ba41c6190af6a867d511a7c68ba5124f92b34b16c49a70c7ab05ee0"),
            (2012, "SFR27-2012ud.csv", "638c30aa9b38b6744db8aea8d2372cebddc4167ac60302eb62a58aff7421630a"),
            (2013, "SFR45-2013ud.csv", "156314ff0e7bf3551a43d55773c71aa7d39960771efed596f89c1f0327637fb3"),
            (2014, "SFR43-2014.csv", "81559dfae3a7eb587b82c687531d7cee7846787d8eb73267ed9bfd967a828a5c"),
            (2015, "SFR41-2015_Underlying_data.csv", "0b8a2c8dd9c400437e034b1ea478d545e4e98dba735e121697c13b671ed243a5"),
            (2016, "SFR52_2016_UD.csv", "9b95abba971ad04dd830a3be0c8022b73335f847d7ae5f7f8a47365e1911f8e0"),
            (2017, "SFR61-2017_UD.CSV", "7c72f5cdc48f20ce813ee687fb4fb3a79c3025e95fc74a71a38ebf48c6dfae64"),
        )
    ),
)
