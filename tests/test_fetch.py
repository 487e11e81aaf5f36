"""`causal fetch` against a server on this computer that serves such files and misbehaves; no live site is asked.

The small file is the message "abc" of FIPS 180-2 (2002), appendix B.1, whose SHA-256 is printed there. The server keeps what it was asked.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from causal.errors import ConfigError, DataError
from causal.sources.england import download, fetch
from causal.sources.england.extract import Extract
from causal.sources.england.fetch import Fetched
from causal.sources.england.publication import Edition, Publication, Release

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, B.1
LONG = bytes(range(256)) * 1000  # 256,000 bytes: several chunks
LONG_SHA = hashlib.sha256(LONG).hexdigest()
CSV = b"time_period,geographic_level,new_la_code\n2024,Local authority,E10000001\n"
PAGE = "https://www.gov.uk/government/statistics/made-up"
CURRENT = "https://explore-education-statistics.service.gov.uk/find-statistics/made-up-in-need"


@dataclass(kw_only=True)
class Reply:
    """One answer. `cut`: close the connection after so many bytes of the body; `silent`: say nothing until the test ends, after `cut` bytes if given."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    etag: str = '"one"'
    ranges: bool = True
    cut: int | None = None
    length: bool = True
    silent: bool = False


@dataclass(kw_only=True)
class Served:
    """The server's side: answers by path, one after another (the last one stays), and what was asked."""

    root: str
    replies: dict[str, list[Reply] | Callable[[str], Reply]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def api(self) -> str:
        return f"{self.root}/v1"

    def put(self, path: str, *replies: Reply) -> str:
        self.replies[path] = list(replies)
        return self.root + path

    def requests(self, path: str) -> list[dict[str, str]]:
        return [headers for asked, headers in self.asked if urlsplit(asked).path == path]


@pytest.fixture
def served() -> Iterator[Served]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            where.asked.append((self.path, dict(self.headers)))
            queue = where.replies.get(urlsplit(self.path).path, [Reply(status=404, body=b"gone")])
            reply = queue(self.path) if callable(queue) else queue[0] if len(queue) == 1 else queue.pop(0)
            if reply.silent and reply.cut is None:
                where.over.wait(10)
                return
            body, status, headers = reply.body, reply.status, dict(reply.headers)
            if status == 200 and reply.etag:
                headers["ETag"] = reply.etag
            asked = self.headers.get("Range")
            if asked and status == 200 and reply.ranges and self.headers.get("If-Range") in (None, reply.etag):
                start = int(asked.removeprefix("bytes=").removesuffix("-"))
                if start >= len(body):
                    status, body = 416, b""
                else:
                    status, headers["Content-Range"], body = 206, f"bytes {start}-{len(body) - 1}/{len(body)}", body[start:]
            self.send_response(status)
            if reply.length:
                headers["Content-Length"] = str(len(body))
            for key, value in headers.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body if reply.cut is None else body[: reply.cut])
            if reply.silent:
                where.over.wait(10)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    where = Served(root=f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield where
    where.over.set()
    server.shutdown()
    thread.join()
    server.server_close()


def publication(*releases: Release, key: str = "made_up", page: str = PAGE) -> Publication:
    return Publication(
        key=key,
        title="Ministry, made-up figures",
        page=page,
        gives={},
        editions=(Edition(),),
        recognise=lambda book: None,
        read=lambda book, edition: Extract(),
        released=lambda edition: 2020,
        releases=releases,
    )


def release(address: str = "", *, name: str = "figures.csv", sha256: str = ABC, edition: Edition | None = None) -> Release:
    return Release(name=name, sha256=sha256, edition=edition or Edition(year=2018), address=address)


def run(folder: Path, served: Served, *publications: Publication, waits: list[float] | None = None, timeout: float = 5.0, **more: Any) -> list[Fetched]:
    said: list[str] = more.pop("said", [])
    return fetch.fetch(
        folder, publications=publications, api=served.api, say=said.append, wait=(waits if waits is not None else []).append, timeout=timeout, **more
    )


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "fetched.json"}


def serve_api(
    served: Served, *titles: str, body: bytes = CSV, version: str = "1.0", headers: dict[str, str] | None = None, slug: str = "made-up-in-need"
) -> None:
    """DfE's API as its documentation lays it out, two results to a page whatever is asked for."""
    sets = [
        {"id": f"{j:08d}-0000-0000-0000-000000000000", "title": title, "status": "Published", "latestVersion": {"version": version}}
        for j, title in enumerate(titles, start=1)
    ]
    others = [{"id": f"other-{j}", "title": f"Other {j}", "slug": f"other-{j}"} for j in range(3)]

    def pages(results: list[dict[str, Any]]) -> Callable[[str], Reply]:
        def page(path: str) -> Reply:
            number = int(parse_qs(urlsplit(path).query)["page"][0])
            paging = {"page": number, "pageSize": 2, "totalResults": len(results), "totalPages": max(1, -(-len(results) // 2))}
            return Reply(
                body=gzip.compress(json.dumps({"paging": paging, "results": results[2 * number - 2 : 2 * number]}).encode()),
                headers={"Content-Encoding": "gzip"},
            )

        return page

    served.replies["/v1/publications"] = pages([*others, {"id": "the-one", "title": "Made up in need", "slug": slug}])
    served.replies["/v1/publications/the-one/data-sets"] = pages(sets)
    for one in sets:
        # the published source of the API sends a packed stream, without ranges and without a validator
        served.put(f"/v1/data-sets/{one['id']}/csv", Reply(body=body, headers=headers or {"Content-Type": "text/csv"}, ranges=False, etag=""))


FIRST_SET = "/v1/data-sets/00000001-0000-0000-0000-000000000000/csv"


# what there is


def test_the_list_names_page_and_tested_file() -> None:
    """The SHA-256 is the one printed in FIPS 180-2."""
    text = "\n".join(fetch.listing([publication(release()), publication(key="bare", page=CURRENT)]))
    assert PAGE in text and ABC in text and "figures.csv 2018" in text and "by hand from the page" in text
    assert "'made-up-in-need' in DfE's API" in text and "not tried against the live sites" in text
    one = json.loads(json.dumps(fetch.described([publication(release("https://a.gov.uk/f.csv"))])))[0]
    assert (
        one["page"] == PAGE
        and one["current"] == ""
        and one["releases"][0] == {"name": "figures.csv", "edition": "2018", "sha256": ABC, "address": "https://a.gov.uk/f.csv"}
    )


def test_an_unknown_key_is_named_with_what_there_is(tmp_path: Path, served: Served) -> None:
    with pytest.raises(ConfigError, match=r"'mad_up'.*Did you mean 'made_up'"):
        run(tmp_path, served, publication(), only=["mad_up"])


def test_only_leaves_the_others_alone(tmp_path: Path, served: Served) -> None:
    address = served.put("/f", Reply(body=b"abc"))
    results = run(tmp_path, served, publication(release(address)), publication(release(address), key="second"), only=["second"])
    assert [one.publication for one in results] == ["second"] and len(served.requests("/f")) == 1


# a tested file


def test_a_tested_file_comes_is_noted_and_is_not_asked_for_twice(tmp_path: Path, served: Served, capfd: pytest.CaptureFixture[str]) -> None:
    address = served.put("/f", Reply(body=b"abc"))
    (first,) = run(tmp_path / "new", served, publication(release(address)))
    assert first.status == "downloaded" and first.name == "made_up/figures.csv" and first.address == address
    assert files(tmp_path / "new") == {"made_up/figures.csv": b"abc"}
    noted = json.loads((tmp_path / "new" / "fetched.json").read_text())["files"]["made_up/figures.csv"]
    assert noted["sha256"] == ABC and noted["size"] == 3 and noted["address"] == address and noted["edition"] == "2018"
    assert abs(datetime.fromisoformat(noted["fetched"]) - datetime.now(UTC)) < timedelta(minutes=5)
    before = (tmp_path / "new" / "fetched.json").read_bytes()
    (second,) = run(tmp_path / "new", served, publication(release(address)))
    assert second.status == "already there" and len(served.asked) == 1
    assert (tmp_path / "new" / "fetched.json").read_bytes() == before
    assert capfd.readouterr() == ("", ""), "no bar outside a terminal"


def test_a_file_without_address_is_recognised_wherever_it_lies(tmp_path: Path, served: Served) -> None:
    said: list[str] = []
    (one,) = run(tmp_path, served, publication(release()), said=said)
    assert one.status == "no stable address" and PAGE in one.words and not files(tmp_path) and not (tmp_path / "fetched.json").exists()
    assert [line for line in said if "figures.csv" in line and PAGE in line] and said[-1] == "1 no stable address"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "figures.csv").write_bytes(b"abc")
    (one,) = run(tmp_path, served, publication(release()))
    assert one.status == "already there" and "mine/figures.csv" in one.words and not served.asked


@pytest.mark.parametrize("where", ["made_up", "elsewhere"])
def test_a_differing_file_survives_byte_for_byte(tmp_path: Path, served: Served, where: str) -> None:
    mine = tmp_path / where / "figures.csv"
    mine.parent.mkdir()
    mine.write_bytes(b"my own corrections\r\n")
    (one,) = run(tmp_path, served, publication(release(served.put("/f", Reply(body=b"abc")))))
    assert one.status == "differs, kept" and f"{where}/figures.csv" in one.words and ABC in one.words
    assert files(tmp_path) == {f"{where}/figures.csv": b"my own corrections\r\n"} and not served.asked


def test_two_years_published_under_one_name_both_come(tmp_path: Path, served: Served) -> None:
    one = release(served.put("/17", Reply(body=b"abc")), edition=Edition(year=2017))
    two = release(served.put("/18", Reply(body=LONG)), sha256=LONG_SHA, edition=Edition(year=2018))
    for status in ("downloaded", "already there"):
        assert [result.status for result in run(tmp_path, served, publication(one, two))] == [status, status]
    assert files(tmp_path) == {"made_up/2017 figures.csv": b"abc", "made_up/2018 figures.csv": LONG}


def test_a_wrong_hash_leaves_nothing_that_looks_finished(tmp_path: Path, served: Served) -> None:
    (one,) = run(tmp_path, served, publication(release(served.put("/f", Reply(body=b"abd")))))
    assert one.status == "failed" and ABC in one.words and hashlib.sha256(b"abd").hexdigest() in one.words and PAGE in one.words
    assert not files(tmp_path) and not (tmp_path / "fetched.json").exists() and len(served.asked) == 1


def test_a_name_cannot_lead_out_of_the_folder(tmp_path: Path, served: Served) -> None:
    address = served.put("/f", Reply(body=b"abc"))
    folder = tmp_path / "in" / "here"
    names = ["../../evil.csv", "/tmp/evil2.csv", "..\\..\\evil3.csv", ".."]
    results = run(folder, served, *(publication(release(address, name=name), key=f"k{j}") for j, name in enumerate(names)))
    assert [one.status for one in results] == ["downloaded"] * 4
    assert files(tmp_path) == {f"in/here/k{j}/{name}": b"abc" for j, name in enumerate(["evil.csv", "evil2.csv", "evil3.csv", "data"])}


# a connection that fails


def test_a_cut_is_gone_on_from_with_range_and_if_range(tmp_path: Path, served: Served) -> None:
    """What the server was asked, and the bytes it sent, are the witness."""
    waits: list[float] = []
    address = served.put("/f", Reply(body=LONG, cut=100_000), Reply(body=LONG))
    (one,) = run(tmp_path, served, publication(release(address, sha256=LONG_SHA)), waits=waits)
    first, second = served.requests("/f")
    assert "Range" not in first and second["Range"] == "bytes=100000-" and second["If-Range"] == '"one"'
    assert one.status == "downloaded" and files(tmp_path) == {"made_up/figures.csv": LONG} and waits == [1.0]


def test_what_came_before_the_last_cut_serves_the_next_call(tmp_path: Path, served: Served) -> None:
    waits: list[float] = []
    address = served.put("/f", Reply(body=LONG, cut=10_000), *[Reply(body=LONG, cut=1_000)] * 4)
    (one,) = run(tmp_path, served, publication(release(address, sha256=LONG_SHA)), waits=waits)
    assert one.status == "failed" and "14,000 of 256,000" in one.words and "5 tries" in one.words and "call goes on from there" in one.words
    assert not (tmp_path / "made_up" / "figures.csv").exists() and waits == [1.0, 2.0, 4.0, 8.0] and len(served.asked) == 5
    assert (tmp_path / "made_up" / "figures.csv.part").read_bytes() == LONG[:14_000]
    served.put("/f", Reply(body=LONG))
    (one,) = run(tmp_path, served, publication(release(address, sha256=LONG_SHA)))
    assert served.requests("/f")[-1]["Range"] == "bytes=14000-"
    assert one.status == "downloaded" and files(tmp_path) == {"made_up/figures.csv": LONG}


def test_a_server_that_ignores_range_sends_all_again(tmp_path: Path, served: Served) -> None:
    address = served.put("/f", Reply(body=LONG, cut=100_000, ranges=False), Reply(body=LONG, ranges=False))
    (one,) = run(tmp_path, served, publication(release(address, sha256=LONG_SHA)))
    assert served.requests("/f")[1]["Range"] == "bytes=100000-"
    assert one.status == "downloaded" and files(tmp_path) == {"made_up/figures.csv": LONG}


@pytest.mark.parametrize("etag", ["", 'W/"weak"'])
def test_without_a_strong_validator_nothing_is_patched_together(tmp_path: Path, served: Served, etag: str) -> None:
    """RFC 9110, 13.1.5: a weak validator must not be used in If-Range."""
    address = served.put("/f", Reply(body=LONG, cut=100_000, etag=etag), Reply(body=LONG, etag=etag))
    (one,) = run(tmp_path, served, publication(release(address, sha256=LONG_SHA)))
    assert all("Range" not in headers for headers in served.requests("/f"))
    assert one.status == "downloaded" and files(tmp_path) == {"made_up/figures.csv": LONG}


def test_a_file_that_changed_between_two_pieces_starts_again(tmp_path: Path, served: Served) -> None:
    address = served.put("/f", Reply(body=b"x" * 256_000, cut=100_000), Reply(body=LONG, etag='"two"'))
    (one,) = run(tmp_path, served, publication(release(address, sha256=LONG_SHA)))
    assert one.status == "downloaded" and files(tmp_path) == {"made_up/figures.csv": LONG}


def test_a_server_that_patches_two_files_together_is_found_out(tmp_path: Path, served: Served) -> None:
    """It promises the same validator for other bytes: the SHA-256 tells, and the file is asked for from the start."""
    address = served.put("/f", Reply(body=b"x" * 256_000, cut=100_000), Reply(body=LONG))
    (one,) = run(tmp_path, served, publication(release(address, sha256=LONG_SHA)))
    assert ["Range" in headers for headers in served.requests("/f")] == [False, True, False]
    assert one.status == "downloaded" and files(tmp_path) == {"made_up/figures.csv": LONG}


@pytest.mark.parametrize(
    "wrong",
    [
        Reply(body=LONG[50_000:], status=206, headers={"Content-Range": "bytes 50000-255999/256000"}),
        Reply(body=LONG[100_000:], status=206, headers={"Content-Range": "bytes 100000-255999/256000", "ETag": '"two"'}),
        Reply(status=416),
    ],
    ids=["another piece", "another file's piece", "no such piece"],
)
def test_a_piece_that_was_not_asked_for_is_not_joined_on(tmp_path: Path, served: Served, wrong: Reply) -> None:
    address = served.put("/f", Reply(body=LONG, cut=100_000), wrong, Reply(body=LONG))
    (one,) = run(tmp_path, served, publication(release(address, sha256=LONG_SHA)))
    assert ["Range" in headers for headers in served.requests("/f")] == [False, True, False]
    assert one.status == "downloaded" and files(tmp_path) == {"made_up/figures.csv": LONG}


@pytest.mark.parametrize("start", [50_000, 100_001])
def test_a_wrong_piece_is_not_joined_on_where_no_hash_would_tell(tmp_path: Path, served: Served, start: int) -> None:
    serve_api(served, "Plans")
    wrong = Reply(body=LONG[start:], status=206, headers={"Content-Range": f"bytes {start}-255999/256000", "ETag": '"one"'})
    served.put(FIRST_SET, Reply(body=LONG, cut=100_000), wrong, Reply(body=LONG))
    (one,) = run(tmp_path, served, publication(key="need", page=CURRENT))
    assert one.status == "downloaded" and files(tmp_path) == {"need/plans_00000001.csv": LONG}


def test_a_piece_of_an_older_version_is_not_gone_on_from(tmp_path: Path, served: Served) -> None:
    """Even if the server gives both one validator."""
    need = publication(key="need", page=CURRENT)
    serve_api(served, "Plans")
    served.put(FIRST_SET, Reply(body=b"x" * 256_000, cut=100_000), Reply(status=403))
    (one,) = run(tmp_path, served, need)
    assert one.status == "failed" and "403" in one.words and "goes on from there" in one.words
    serve_api(served, "Plans", version="1.1")
    served.put(FIRST_SET, Reply(body=LONG))
    (one,) = run(tmp_path, served, need)
    assert one.status == "downloaded" and files(tmp_path) == {"need/plans_00000001.csv": LONG}


def test_a_silent_server_is_given_up_after_the_timeout(tmp_path: Path, served: Served) -> None:
    start = time.monotonic()
    address = served.put("/f", Reply(silent=True), Reply(body=LONG, silent=True, cut=100_000), Reply(body=LONG))
    (one,) = run(tmp_path, served, publication(release(address, sha256=LONG_SHA)), timeout=0.2)
    assert one.status == "downloaded" and served.requests("/f")[2]["Range"] == "bytes=100000-"
    assert time.monotonic() - start < 5, "the server would be silent for 10 seconds"


def test_a_closed_door_is_a_failure_in_words(tmp_path: Path, served: Served) -> None:
    waits: list[float] = []
    (one,) = run(tmp_path, served, publication(release("http://127.0.0.1:9/f")), waits=waits)  # port 9, discard: nothing listens
    assert one.status == "failed" and "no answer" in one.words and waits == [1.0, 2.0, 4.0, 8.0]


def test_what_is_not_there_names_the_page_and_does_not_stop_the_others(tmp_path: Path, served: Served) -> None:
    gone, here = served.root + "/gone", served.put("/f", Reply(body=b"abc"))
    results = run(tmp_path, served, publication(release(gone, name="a.csv"), release(here, name="b.csv")), publication(release(here), key="next"))
    assert [one.status for one in results] == ["failed", "downloaded", "downloaded"]
    assert "404" in results[0].words and PAGE in results[0].words and len(served.requests("/gone")) == 1


def test_each_file_is_told_before_the_next_is_asked_for(tmp_path: Path, served: Served) -> None:
    releases = [release(served.put(f"/{j}", Reply(body=b"abc")), name=f"{j}.csv") for j in range(2)]
    asked: list[int] = []
    fetch.fetch(tmp_path, publications=[publication(*releases)], api=served.api, say=lambda line: asked.append(len(served.asked)))
    assert asked == [1, 2, 2]


def test_a_busy_server_is_waited_for_as_it_asks(tmp_path: Path, served: Served) -> None:
    waits: list[float] = []
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    busy = [
        Reply(status=429, headers={"Retry-After": "7"}),
        Reply(status=503, headers={"Retry-After": later}),
        Reply(status=503, headers={"Retry-After": "soon"}),
    ]
    (one,) = run(tmp_path, served, publication(release(served.put("/f", *busy, Reply(body=b"abc")))), waits=waits)
    assert one.status == "downloaded" and waits[0] == 7.0 and 50 < waits[1] <= 60 and waits[2] == 4.0


def test_a_server_that_asks_for_an_hour_is_left_alone(tmp_path: Path, served: Served) -> None:
    waits: list[float] = []
    address = served.put("/f", Reply(status=429, headers={"Retry-After": "3600"}))
    (one,) = run(tmp_path, served, publication(release(address)), waits=waits)
    assert one.status == "failed" and "3600 seconds" in one.words and not waits and len(served.asked) == 1


def test_a_server_that_stays_busy_is_asked_a_bounded_number_of_times(tmp_path: Path, served: Served) -> None:
    waits: list[float] = []
    (one,) = run(tmp_path, served, publication(release(served.put("/f", Reply(status=503)))), waits=waits)
    assert one.status == "failed" and "503" in one.words and waits == [1.0, 2.0, 4.0, 8.0] and len(served.asked) == 5


# where a file may come from


@pytest.mark.parametrize(
    "address", ["http://example.org/f.csv", "ftp://127.0.0.1/f.csv", "file:///etc/hostname", "http://127.0.0.1.example.org/f", "figures.csv"]
)
def test_only_https_is_asked(tmp_path: Path, served: Served, address: str) -> None:
    (one,) = run(tmp_path, served, publication(release(address)))
    assert one.status == "failed" and "begins with https://" in one.words and not files(tmp_path)


def test_http_to_this_computer_is_for_an_api_on_this_computer(tmp_path: Path, served: Served) -> None:
    address = served.put("/f", Reply(body=b"abc"))
    (one,) = fetch.fetch(tmp_path, publications=[publication(release(address))], say=lambda line: None)
    assert one.status == "failed" and "begins with https://" in one.words and not served.asked
    with pytest.raises(DataError, match="begins with https://"):
        fetch.fetch(tmp_path, publications=[], api="http://api.education.gov.uk/statistics/v1", say=lambda line: None)


def test_a_redirect_is_followed_only_to_where_one_may_ask(tmp_path: Path, served: Served) -> None:
    served.put("/f", Reply(body=b"abc"))
    near = served.put("/near", Reply(status=302, headers={"Location": "/f"}))
    far = served.put("/far", Reply(status=302, headers={"Location": "http://example.org/f"}))
    results = run(tmp_path, served, publication(release(near, name="a.csv"), release(far, name="b.csv")))
    assert [one.status for one in results] == ["downloaded", "failed"] and "http://example.org/f" in results[1].words


# DfE's API


def test_current_data_sets_come_page_by_page(tmp_path: Path, served: Served) -> None:
    serve_api(
        served,
        "Children in need, by area",
        "D1 plans",
        "../../../../tmp/evil",
        body=gzip.compress(CSV),
        headers={"Content-Type": "text/csv", "Content-Encoding": "gzip"},
    )
    results = run(tmp_path / "in", served, publication(key="need", page=CURRENT))
    assert [one.status for one in results] == ["downloaded"] * 3
    names = ["need/children-in-need-by-area_00000001.csv", "need/d1-plans_00000002.csv", "need/tmp-evil_00000003.csv"]
    assert files(tmp_path) == {f"in/{name}": CSV for name in names}
    noted = json.loads((tmp_path / "in" / "fetched.json").read_text())["files"]
    assert {name: (one["sha256"], one["size"], one["version"]) for name, one in noted.items()} == dict.fromkeys(
        names, (hashlib.sha256(CSV).hexdigest(), len(CSV), "1.0")
    )
    asked = [path for path, _ in served.asked]
    assert "/v1/publications?page=1&pageSize=40" in asked and "/v1/publications?page=2&pageSize=40" in asked, "40 is the most that the API takes"
    assert "/v1/publications/the-one/data-sets?page=2&pageSize=20" in asked, "20 is the most that the API takes"
    assert f"{FIRST_SET}?dataSetVersion=1.0" in asked
    assert [one.status for one in run(tmp_path / "in", served, publication(key="need", page=CURRENT))] == ["already there"] * 3
    assert len(served.requests(FIRST_SET)) == 1


def test_a_release_that_feeds_two_readers_comes_once(tmp_path: Path, served: Served) -> None:
    serve_api(served, "Plans")
    results = run(tmp_path, served, publication(key="need", page=CURRENT), publication(key="population", page=CURRENT))
    assert [one.publication for one in results] == ["need"] and list(files(tmp_path)) == ["need/plans_00000001.csv"]


def test_a_plain_csv_is_taken_as_it_is(tmp_path: Path, served: Served) -> None:
    serve_api(served, "Plans")
    assert [one.status for one in run(tmp_path, served, publication(key="need", page=CURRENT))] == ["downloaded"]
    assert files(tmp_path) == {"need/plans_00000001.csv": CSV}


def test_a_changed_file_and_a_newer_version_are_told_and_the_file_kept(tmp_path: Path, served: Served) -> None:
    need = publication(key="need", page=CURRENT)
    serve_api(served, "Plans")
    run(tmp_path, served, need)
    serve_api(served, "Plans", body=CSV + b"2025,Local authority,E10000001\n", version="1.1")
    (one,) = run(tmp_path, served, need)
    assert one.status == "differs, kept" and "version 1.0" in one.words and "1.1 is out" in one.words
    assert files(tmp_path) == {"need/plans_00000001.csv": CSV}
    (tmp_path / "need" / "plans_00000001.csv").write_bytes(b"mine")
    (one,) = run(tmp_path, served, need)
    assert one.status == "differs, kept" and "changed since it was fetched" in one.words
    assert files(tmp_path) == {"need/plans_00000001.csv": b"mine"} and len(served.requests(FIRST_SET)) == 1


def test_a_file_of_unknown_origin_is_compared_and_kept(tmp_path: Path, served: Served) -> None:
    need, mine = publication(key="need", page=CURRENT), tmp_path / "need" / "plans_00000001.csv"
    mine.parent.mkdir()
    mine.write_bytes(b"mine")
    serve_api(served, "Plans")
    (one,) = run(tmp_path, served, need)
    assert one.status == "differs, kept" and files(tmp_path) == {"need/plans_00000001.csv": b"mine"} and not (tmp_path / "fetched.json").exists()
    mine.write_bytes(CSV)
    (one,) = run(tmp_path, served, need)
    assert one.status == "already there" and files(tmp_path) == {"need/plans_00000001.csv": CSV}
    assert json.loads((tmp_path / "fetched.json").read_text())["files"]["need/plans_00000001.csv"]["version"] == "1.0"


def test_a_version_that_comes_with_other_bytes_than_before_says_so(tmp_path: Path, served: Served) -> None:
    need = publication(key="need", page=CURRENT)
    serve_api(served, "Plans")
    run(tmp_path, served, need)
    (tmp_path / "need" / "plans_00000001.csv").unlink()
    serve_api(served, "Plans", body=b"other")
    (one,) = run(tmp_path, served, need)
    assert one.status == "downloaded" and "not the bytes that came as this version before" in one.words


def test_a_publication_that_the_api_lacks_is_to_be_got_by_hand(tmp_path: Path, served: Served) -> None:
    serve_api(served, "Plans", slug="something-else")
    (one,) = run(tmp_path, served, publication(key="need", page=CURRENT))
    assert one.status == "no stable address" and CURRENT in one.words


def test_a_data_set_that_was_withdrawn_is_left_out_and_told(tmp_path: Path, served: Served) -> None:
    serve_api(served, "Plans")
    entry = {"id": "x", "title": "Gone", "status": "Withdrawn", "latestVersion": {"version": "1.0"}}
    served.put("/v1/publications/the-one/data-sets", Reply(body=json.dumps({"paging": {"totalPages": 1}, "results": [entry]}).encode()))
    said: list[str] = []
    assert run(tmp_path, served, publication(key="need", page=CURRENT), said=said) == []
    assert said[0].startswith("left out: 'Gone'")


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(body=b"<html>sign in</html>", headers={"Content-Type": "text/html"}), "wanted JSON"),
        (Reply(body=b'{"results": {}}'), "paging.totalPages"),
        (Reply(body=b"[]"), "paging.totalPages"),
        (Reply(body=b'{"paging": {"totalPages": 1}, "results": [{"id": 7}]}'), "wanted text under 'slug'"),
        (Reply(body=b'{"paging": {"totalPages": 9999}, "results": []}'), "wanted at most 200 pages, got more"),
        (Reply(status=403), "403"),
    ],
    ids=["page", "object", "list", "number", "endless", "forbidden"],
)
def test_an_api_that_answers_otherwise_fails_in_words_and_the_rest_goes_on(tmp_path: Path, served: Served, reply: Reply, words: str) -> None:
    served.put("/v1/publications", reply)
    tested = release(served.put("/f", Reply(body=b"abc")))
    results = run(tmp_path, served, publication(tested, key="need", page=CURRENT), publication(key="looked", page=f"{CURRENT}-too"))
    assert [one.status for one in results] == ["downloaded", "failed", "failed"]
    assert words in results[1].words and results[1].words.endswith(CURRENT) and results[2].publication == "looked"
    assert len(served.requests("/v1/publications")) == (200 if "pages" in words else 1), "asked once for all publications"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(body=b"<html>sign in</html>", headers={"Content-Type": "text/html; charset=utf-8"}), "wanted a file, got a web page"),
        (Reply(body=CSV, length=False), "wanted a file whose length the server says"),
        (Reply(body=gzip.compress(CSV)[:-9], length=False), "cannot be unpacked"),
        (Reply(body=CSV, headers={"Content-Encoding": "br"}), "'br'"),
    ],
    ids=["page", "no length", "packed, cut", "another packing"],
)
def test_a_data_set_that_cannot_be_told_whole_gets_no_name(tmp_path: Path, served: Served, reply: Reply, words: str) -> None:
    serve_api(served, "Plans")
    served.put(FIRST_SET, reply)
    (one,) = run(tmp_path, served, publication(key="need", page=CURRENT))
    assert one.status == "failed" and words in one.words and CURRENT in one.words
    assert not files(tmp_path) and not (tmp_path / "fetched.json").exists()


def test_a_cut_data_set_starts_again_because_the_api_knows_no_ranges(tmp_path: Path, served: Served) -> None:
    packed = gzip.compress(LONG, mtime=0)
    serve_api(served, "Plans")
    served.put(FIRST_SET, Reply(body=packed, cut=len(packed) // 2, ranges=False, etag=""), Reply(body=packed, ranges=False, etag=""))
    (one,) = run(tmp_path, served, publication(key="need", page=CURRENT))
    assert one.status == "downloaded" and files(tmp_path) == {"need/plans_00000001.csv": LONG}


def test_a_small_file_that_unpacks_without_end_is_stopped(tmp_path: Path, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "LARGEST", 1_000_000)
    serve_api(served, "Plans", body=gzip.compress(b"0" * 5_000_000))
    (one,) = run(tmp_path, served, publication(key="need", page=CURRENT))
    assert one.status == "failed" and "1,000,000 bytes" in one.words and not files(tmp_path)


# the folder


def test_somebody_elses_part_is_not_touched(tmp_path: Path, served: Served) -> None:
    (tmp_path / "made_up").mkdir()
    (tmp_path / "made_up" / "figures.csv.part").write_bytes(b"mine")
    (one,) = run(tmp_path, served, publication(release(served.put("/f", Reply(body=b"abc")))))
    assert one.status == "failed" and "move it away" in one.words
    assert files(tmp_path) == {"made_up/figures.csv.part": b"mine"} and not served.asked


def test_what_is_not_a_file_is_left_where_it_is(tmp_path: Path, served: Served) -> None:
    serve_api(served, "Plans")
    tested = release(served.put("/f", Reply(body=b"abc")))
    (tmp_path / "made_up" / "figures.csv").mkdir(parents=True)
    (tmp_path / "made_up" / "plans_00000001.csv").symlink_to(tmp_path / "nowhere")
    results = run(tmp_path, served, publication(tested, page=CURRENT))
    assert [one.status for one in results] == ["differs, kept"] * 2
    assert not served.requests("/f") and not served.requests(FIRST_SET) and not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("text", ["", "[]", '{"files": {"a": 1}}', '{"files": {"a": {"sha256": 1}}}'])
def test_a_list_that_is_not_ours_is_not_written_over(tmp_path: Path, served: Served, text: str) -> None:
    (tmp_path / "fetched.json").write_text(text)
    with pytest.raises(DataError, match=r"fetched\.json: wanted the list.*move it away"):
        run(tmp_path, served, publication(release(served.put("/f", Reply(body=b"abc")))))
    assert (tmp_path / "fetched.json").read_text() == text


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, served: Served) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="wanted a folder to download into"):
        run(tmp_path / "file" / "below", served, publication())


@pytest.mark.parametrize("links", [True, False])
def test_placing_never_replaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    """Also on a drive that knows no links."""
    if not links:
        monkeypatch.setattr(download.os, "link", lambda *paths: (_ for _ in ()).throw(PermissionError("no links here")))
    for there in (b"mine", None):
        target, part = tmp_path / "f.csv", tmp_path / "f.csv.part"
        target.unlink(missing_ok=True)
        if there:
            target.write_bytes(there)
        part.write_bytes(b"new")
        assert download.place(download.Whole(path=part, sha256="", size=3), target) is (there is None)
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"f.csv": there or b"new"}


def test_python_s_own_server_is_understood(tmp_path: Path) -> None:
    """http.server of the standard library: no ranges, no validator, `Last-Modified` only."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "f.csv").write_bytes(LONG)

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(tmp_path / "site"))

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        served = Served(root=f"http://127.0.0.1:{server.server_address[1]}")
        (one,) = run(tmp_path / "to", served, publication(release(f"{served.root}/f.csv", sha256=LONG_SHA)))
        server.shutdown()
        thread.join()
    assert one.status == "downloaded" and files(tmp_path / "to") == {"made_up/figures.csv": LONG}


# the command


def test_the_command_lists_downloads_and_tells_a_failure_by_its_status(
    tmp_path: Path, served: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = release(served.put("/f", Reply(body=b"abc"))), release(served.root + "/gone", name="gone.csv")
    monkeypatch.setattr(fetch.readers, "publications", lambda: (publication(good), publication(bad, key="bad")))
    assert fetch.command(to=None) == 0 and ABC in capsys.readouterr().out and not served.asked
    assert fetch.command(to=None, only=["bad"], as_json=True) == 0 and [one["key"] for one in json.loads(capsys.readouterr().out)] == ["bad"]
    assert fetch.command(to=tmp_path, only=["made_up"], api=served.api) == 0
    assert capsys.readouterr().out.splitlines() == ["downloaded: made_up/figures.csv: 3 bytes, the tested file", "1 downloaded"]
    assert fetch.command(to=tmp_path, as_json=True, api=served.api) == 2
    out, err = capsys.readouterr()
    assert [one["status"] for one in json.loads(out)] == ["already there", "failed"] and "1 already there; 1 failed" in err
