"""Every experiment asks a question that its simulated twin can mark, and carries what others said on it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from causal.cli import main
from causal.errors import ConfigError
from causal.question import Saying, sayings
from causal.report.record import read

SAID = {"who": "National Audit Office, January 2019", "what": "Authorities that closed centres had no consequential increase.", "source": "Pressures, p. 9"}


def test_what_others_said_is_recorded_and_an_older_record_without_it_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", f"runs={tmp_path}", "experiment=closures", "refuters=[]", "workers=1", "source.authorities=30"]
    assert main([*words, f"said=[{{who: '{SAID['who']}', what: '{SAID['what']}', source: '{SAID['source']}'}}]"]) == 0
    folder = Path(capsys.readouterr().out.strip().splitlines()[-1])
    assert read(folder)["said"] == [SAID]
    older = {key: value for key, value in json.loads((folder / "result.json").read_text()).items() if key != "said"}
    (folder / "result.json").write_text(json.dumps(older))
    assert read(folder)["said"] == []


def test_sayings_are_whole() -> None:
    assert sayings([SAID, Saying(**SAID)]) == (Saying(**SAID), Saying(**SAID))
    for odd in ("words", SAID, [{"who": "x"}], [3], [{**SAID, "what": " "}]):
        with pytest.raises(ConfigError, match="said"):
            sayings(odd)
