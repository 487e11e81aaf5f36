"""Getting the published files: what there is and where, and a folder of it that never loses a file of the user's.

Two kinds of file come. Those that the readers were tested on have a SHA-256, and are downloaded where they have a stable address. The Department for
Education's current releases come from its public API and have no SHA-256 beforehand: what came is noted in `fetched.json`, and held against that note
from then on. A file that stands in the folder and differs is kept, whatever the publisher has now.

The API, as its documentation and its published source describe it (Department for Education, Explore education statistics API, v1, 2025, and
github.com/dfe-analytical-services/explore-education-statistics): `/publications` and `/publications/{id}/data-sets` answer in pages (`paging.totalPages`,
`results`) of at most 40 and 20; a publication is known by the `slug` of its page; `/data-sets/{id}/csv` is packed with gzip, with no ranges, so that a cut
one starts again.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import quote

from causal.aside import alone
from causal.errors import ConfigError, DataError, refusal, suggest
from causal.sources.england import publication as readers
from causal.sources.england.book import digest
from causal.sources.england.download import Web, Whole, begun, discard, is_loopback, permitted, place, write
from causal.sources.england.publication import Publication, Release

API = "https://api.education.gov.uk/statistics/v1"
CURRENT = re.compile(r"^https://explore-education-statistics\.service\.gov\.uk/find-statistics/([a-z0-9-]+)")
MANIFEST = "fetched.json"
MOST_PAGES = 200
UNTRIED = "not tried against the live sites: the downloads and DfE's API were tested against a local server only"

Status: TypeAlias = Literal["downloaded", "already there", "differs, kept", "failed", "no stable address"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What became of one file: its name, its publication's key, its address ("" if it has none), and why, in words."""

    name: str
    publication: str
    address: str
    status: Status
    words: str


def listing(publications: Sequence[Publication]) -> list[str]:
    """Title, official page and tested files of each publication, in lines for a terminal."""
    lines = []
    for one in described(publications):
        lines += [f"{one['key']}: {one['title']}", f"  page: {one['page']}"]
        if one["current"]:
            lines.append(f"  current release: the data sets of {one['current']!r} in DfE's API")
        for release in one["releases"]:
            where = release["address"] or "by hand from the page"
            lines.append(f"  tested on: {release['sha256']}  {' '.join(filter(None, (release['name'], release['edition'])))}  ({where})")
        if not one["releases"]:
            lines.append("  tested on: no file")
    return [*lines, UNTRIED]


def described(publications: Sequence[Publication]) -> list[dict[str, Any]]:
    """The same for JSON: keys `key`, `title`, `page`, `current` (its name in DfE's API, or ""), `releases`."""
    return [
        {
            "key": one.key,
            "title": one.title,
            "page": one.page,
            "current": _slug(one),
            "releases": [{"name": r.name, "edition": str(r.edition), "sha256": r.sha256, "address": r.address} for r in one.releases],
        }
        for one in publications
    ]


def command(*, to: Path | None, only: Sequence[str] = (), as_json: bool = False, api: str = API) -> int:
    """`causal fetch`: list, or with a folder download. Exit status: 0, or 2 if a file failed.

    Parameters
    ----------
    to : folder; None lists what there is.
    only : keys of publications; none takes all.
    as_json : whether it is printed for machines.
    api : address of the catalogue.
    """
    if to is None:
        chosen = _chosen(readers.publications(), only)
        print(json.dumps(described(chosen), indent=2, ensure_ascii=False) if as_json else "\n".join(listing(chosen)))
        return 0
    results = fetch(to, only=only, api=api, say=(lambda line: print(line, file=sys.stderr)) if as_json else print)
    if as_json:
        print(json.dumps([asdict(one) for one in results], indent=2, ensure_ascii=False))
    return 2 if any(one.status == "failed" for one in results) else 0


def fetch(
    folder: Path,
    *,
    publications: Sequence[Publication] | None = None,
    only: Sequence[str] = (),
    api: str = API,
    say: Callable[[str], None] = print,
    wait: Callable[[float], None] = time.sleep,
    timeout: float = 30.0,
) -> list[Fetched]:
    """Download what has a stable address into a folder, and say what became of each file.

    Parameters
    ----------
    folder : made if it is not there. Files in it or below it are recognised by name and SHA-256, and never written over.
    publications : None: all that there are readers for.
    only : keys of publications; empty: all.
    api : where DfE's API is; http is allowed on this computer itself.
    say : takes one line at a time.
    wait : what waits, in seconds, when a server asks for it.
    timeout : seconds without a byte before a connection counts as cut.

    Returns
    -------
    One `Fetched` for each tested file and for each current data set; one with the publication's key as name where DfE's API does not give its data sets.

    Raises
    ------
    ConfigError : no such key, or the folder cannot be made.
    DataError : `api` is not https, or fetched.json is there and is not such a list.
    """
    chosen = _chosen(readers.publications() if publications is None else publications, only)
    web = Web(loopback=api.startswith("http:") and is_loopback(api), timeout=timeout, wait=wait, say=say)
    permitted(api, loopback=web.loopback)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise refusal(ConfigError, str(folder), "a folder to download into", f"one that cannot be made ({problem.strerror})", "name another") from None
    with alone(folder, "a download", "wait until it is done, or name another folder with --to"):
        results = _fetched(folder, chosen, web, api, say)
    say("; ".join(f"{count} {status}" for status, count in Counter(one.status for one in results).items()) or "nothing to fetch")
    return results


def _fetched(folder: Path, chosen: Sequence[Publication], web: Web, api: str, say: Callable[[str], None]) -> list[Fetched]:
    store = _Store(folder=folder, web=web, api=api.rstrip("/"), noted=_manifest(folder / MANIFEST), there=_names(folder))
    catalogue, trouble = _catalogue(store) if any(_slug(one) for one in chosen) else ({}, None)
    results: list[Fetched] = []
    under: dict[str, str] = {}  # one release may feed several readers; its data sets come once, under the first of them
    for one in chosen:
        homeless: list[str] = []
        mine = bool(_slug(one)) and under.setdefault(_slug(one), one.key) == one.key
        for result in chain(store.tested(one), store.current(one, catalogue, trouble) if mine else ()):
            results.append(result)
            if result.status == "no stable address":  # a line for each would hide the others
                homeless.append(result.name)
            else:
                say(f"{result.status}: {result.name}: {result.words}")
        if homeless:
            say(f"no stable address: {one.key}: get by hand from {one.page}: {', '.join(homeless)}")
    return results


@dataclass(frozen=True, slots=True, kw_only=True)
class _Store:
    """The user's folder: `noted` is fetched.json (name below the folder → what came), `there` every file in it by name."""

    folder: Path
    web: Web
    api: str
    noted: dict[str, dict[str, Any]]
    there: dict[str, list[Path]]

    def tested(self, publication: Publication) -> Iterator[Fetched]:
        """The files that the readers were tested on."""
        names = Counter(release.name for release in publication.releases)
        others = {release.sha256.lower() for release in publication.releases}
        for release in publication.releases:
            plain = names[release.name] == 1  # two years' files may have been published under one name
            target = self.folder / _safe(publication.key) / _safe(release.name if plain else f"{release.edition} {release.name}")
            try:
                yield self._tested(publication, release, target, others)
            except (DataError, OSError) as problem:
                yield self._failed(publication, target, release.address, problem)

    def current(self, publication: Publication, catalogue: dict[str, str], trouble: DataError | None) -> Iterator[Fetched]:
        """The data sets of the current release, as DfE's API lists them."""
        identity = catalogue.get(_slug(publication), "")
        address = f"{self.api}/publications/{quote(identity, safe='')}/data-sets" if identity else f"{self.api}/publications"
        if not identity and not trouble:
            words = f"DfE's API has no data sets of {_slug(publication)!r}; get the current release by hand from {publication.page}"
            yield Fetched(name=publication.key, publication=publication.key, address="", status="no stable address", words=words)
            return
        try:
            if trouble:
                raise trouble
            entries = list(_pages(self.web, address, 20))
        except DataError as problem:
            yield self._failed(publication, self.folder / publication.key, address, problem)
            return
        for entry in entries:
            target, where = self.folder / _safe(publication.key) / "data set", address
            try:
                status, latest = entry.get("status", "Published"), entry.get("latestVersion")
                identity, title = _text(entry, "id", address), _text(entry, "title", address)
                target = target.with_name(f"{_plain(title)[:60]}_{_plain(identity)[:8]}.csv")
                if status not in ("Published", "Deprecated") or latest is None:
                    self.web.say(f"left out: {title!r} of {publication.key}: {status}, or no version of it is public")
                    continue
                version = _text(latest, "version", address)
                # the version is asked for by number, so that the file is the one that is noted
                where = f"{self.api}/data-sets/{quote(identity, safe='')}/csv?dataSetVersion={quote(version, safe='')}"
                yield self._current(publication, target, where, version)
            except (DataError, OSError) as problem:
                yield self._failed(publication, target, where, problem)

    def _tested(self, publication: Publication, release: Release, target: Path, others: set[str]) -> Fetched:
        def outcome(status: Status, words: str) -> Fetched:
            return Fetched(name=self._name(target), publication=publication.key, address=release.address, status=status, words=words)

        wanted = release.sha256.lower()
        found = {path: digest(path) for path in dict.fromkeys((target, *self.there.get(release.name, ()))) if path.is_file()}
        if same := [path for path, sha256 in found.items() if sha256 == wanted]:
            return outcome("already there", f"{self._name(same[0])} is the tested file")
        if strange := [path for path, sha256 in found.items() if path == target or sha256 not in others]:
            words = f"{self._name(strange[0])} has SHA-256 {found[strange[0]]}, the tested file {wanted}; to have that, move this one away"
            return outcome("differs, kept", words)
        if os.path.lexists(target):
            return outcome("differs, kept", f"{self._name(target)} is there and is not a file")
        if not release.address:
            return outcome("no stable address", f"get it by hand from {publication.page}")
        target.parent.mkdir(exist_ok=True)
        whole = self.web.download(release.address, target, sha256=wanted)
        if not place(whole, target):
            return outcome("differs, kept", f"{self._name(target)} appeared while it was being downloaded")
        self._note(target, whole, publication, release.address, edition=str(release.edition))
        return outcome("downloaded", f"{whole.size:,} bytes, the tested file")

    def _current(self, publication: Publication, target: Path, address: str, version: str) -> Fetched:
        def outcome(status: Status, words: str) -> Fetched:
            return Fetched(name=self._name(target), publication=publication.key, address=address, status=status, words=words)

        here, noted = digest(target) if target.is_file() else "", self.noted.get(self._name(target))
        if os.path.lexists(target) and not here:
            return outcome("differs, kept", "something that is not a file has this name")
        if here and noted:
            if here != noted["sha256"]:
                return outcome("differs, kept", f"changed since it was fetched ({noted.get('fetched', '')}); to have version {version}, move it away")
            if version != noted.get("version"):
                return outcome("differs, kept", f"it is version {noted.get('version')}, and {version} is out; to have that, move this one away")
            return outcome("already there", f"version {version}, as it was fetched")
        target.parent.mkdir(exist_ok=True)
        whole = self.web.download(address, target)
        if here and here != whole.sha256:
            discard(target)
            return outcome("differs, kept", f"it is not version {version} of DfE's API; to have that, move this one away")
        if here:
            discard(target)
        elif not place(whole, target):
            return outcome("differs, kept", "it appeared while it was being downloaded")
        words = f"version {version}, {whole.size:,} bytes, SHA-256 {whole.sha256}"
        if noted and noted.get("version") == version and noted["sha256"] != whole.sha256:
            words += f"; not the bytes that came as this version before ({noted.get('fetched', '')})"
        self._note(target, whole, publication, address, version=version)
        return outcome("already there" if here else "downloaded", words)

    def _failed(self, publication: Publication, target: Path, address: str, problem: Exception) -> Fetched:
        kept = "; what came is kept, and another call goes on from there" if begun(address, target)[0] else ""
        words = f"{problem}{kept}; by hand: {publication.page}"
        return Fetched(name=self._name(target), publication=publication.key, address=address, status="failed", words=words)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def _note(self, target: Path, whole: Whole, publication: Publication, address: str, **more: str) -> None:
        """Into fetched.json at once, so that a call that is stopped has noted what it placed."""
        when = datetime.now(UTC).isoformat(timespec="seconds")
        self.noted[self._name(target)] = {
            "sha256": whole.sha256,
            "size": whole.size,
            "address": address,
            "fetched": when,
            "publication": publication.key,
            **{key: value for key, value in more.items() if value},
        }
        write(self.folder / MANIFEST, {"schema_version": 1, "files": self.noted})


def _chosen(publications: Sequence[Publication], only: Sequence[str]) -> list[Publication]:
    keys = [one.key for one in publications]
    if unknown := [key for key in only if key not in keys]:
        raise refusal(ConfigError, "causal fetch", "publications that there are", repr(unknown[0]), suggest(unknown[0], keys))
    return [one for one in publications if not only or one.key in only]


def _slug(publication: Publication) -> str:
    """What DfE's API calls a publication: the last word of its page."""
    found = CURRENT.match(publication.page)
    return found.group(1) if found else ""


def _catalogue(store: _Store) -> tuple[dict[str, str], DataError | None]:
    """Slug → identity of every publication in DfE's API; asked for once, whatever the number of publications wanted, and ({}, why) if it fails."""
    address = f"{store.api}/publications"
    try:
        return {_text(entry, "slug", address): _text(entry, "id", address) for entry in _pages(store.web, address, 40)}, None
    except DataError as problem:
        return {}, problem


def _pages(web: Web, address: str, size: int) -> Iterator[dict[str, Any]]:
    """Every result of an answer in pages."""
    for page in range(1, MOST_PAGES + 1):
        where = f"{address}?page={page}&pageSize={size}"
        answer = web.json(where)
        try:
            results, last = answer["results"], int(answer["paging"]["totalPages"])
        except (KeyError, TypeError, ValueError):
            results, last = None, 0
        if not isinstance(results, list) or not all(isinstance(one, dict) for one in results):
            raise refusal(DataError, where, "'results' and 'paging.totalPages'", f"{str(answer)[:120]}", "try again later")
        yield from results
        if page >= last:
            return
    raise refusal(DataError, address, f"at most {MOST_PAGES} pages", "more", "get the files by hand")


def _text(entry: Any, key: str, where: str) -> str:
    value = entry.get(key) if isinstance(entry, dict) else None
    if not isinstance(value, str) or not value:
        raise refusal(DataError, where, f"text under {key!r}", f"{str(entry)[:120]}", "try again later")
    return value


def _plain(text: str) -> str:
    """Lower-case letters, figures and hyphens: nothing that a server sends can name another folder."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "data"


def _safe(name: str) -> str:
    """The last part of a name, without what a file system may take for something else."""
    return re.sub(r"[^\w.,() -]", "_", re.split(r"[/\\]", name)[-1]).strip(" .") or "data"


def _names(folder: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for where, _, names in os.walk(folder):
        for name in sorted(names):
            found.setdefault(name, []).append(Path(where) / name)
    return found


def _manifest(path: Path) -> dict[str, dict[str, Any]]:
    """What fetched.json says; {} if there is none."""
    if not path.exists():
        return {}
    try:
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
        if all(isinstance(one["sha256"], str) for one in files.values()):
            return dict(files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    raise refusal(DataError, str(path), "the list that causal fetch keeps of what it downloaded", "something else", "move it away and try again")
