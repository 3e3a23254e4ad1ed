"""A fresh machine whose first command is not the start of the branch but a question."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from chatbranch.intake.openapi import ANSWER

pytestmark = pytest.mark.server
KNOWN = "反复烧开的水含有大量亚硝酸盐，喝了会致癌。"
FIELDS = set(ANSWER["required"]) - {"id"}  # by which an answer over HTTP is come back to


def test_it_is_answered_from_the_sample_library_and_leaves_nothing_that_others_could_read(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CHATBRANCH_")}
    done = subprocess.run(
        [sys.executable, "-m", "chatbranch.site.cli", "--data", data, "check", "--json", KNOWN],
        env=kept,
        capture_output=True,
        text=True,
        umask=0o022,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert set(answer) >= FIELDS
    assert (answer["outcome"], answer["verdict"], answer["case"]) == ("answer", "false", None)
    assert answer["sources"][0]["url"].startswith("http")
    open_to_others = [
        str(path.relative_to(data))
        for path in (data, *data.glob("*"), *data.glob("keys/*"))
        if path.name != "index" and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    assert open_to_others == []
