"""Data written by the previous commit is used by this one: migrated, searched, and added to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUMOUR = "紧急通知：云岚市自来水厂今晚八点起停水三天，请大家马上储水，转发给家人！"
pytestmark = pytest.mark.server


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """The source of the commit before this one."""
    found = subprocess.run(["git", "archive", "HEAD~1", "src"], cwd=ROOT, capture_output=True)
    if found.returncode:
        pytest.skip("the previous commit is not in this clone: git fetch --unshallow")
    subprocess.run(["tar", "-x", "-C", tmp_path], input=found.stdout, check=True)
    return tmp_path / "src"


def chatbranch(source: Path, data: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(source), "CHATBRANCH_DATA": str(data)}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    done = subprocess.run(
        [sys.executable, "-m", "chatbranch.site.cli", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_case_and_a_library_of_the_previous_commit_live_on(before: Path, tmp_path: Path) -> None:
    data, library = tmp_path / "data", next((ROOT / "src/chatbranch/claims/sample").glob("water*.jsonl"))
    chatbranch(before, data, "import", str(library), "--origin", "the version before")
    code = json.loads(chatbranch(before, data, "check", "--json", RUMOUR))["case"]["code"]

    now = ROOT / "src"
    for askers in (None, 3):  # the second is not shown: so few that one could tell who
        again = json.loads(chatbranch(now, data, "check", "--json", RUMOUR))
        assert again["case"] == {"code": code, "state": "open", "askers": askers}
    known = json.loads(library.read_text("utf-8").splitlines()[0])["wordings"][0]["text"]
    assert json.loads(chatbranch(now, data, "check", "--json", known))["outcome"] == "answer"
    chatbranch(now, data, "export", str(tmp_path / "out.jsonl"))
    assert len((tmp_path / "out.jsonl").read_text("utf-8").splitlines()) == len(
        library.read_text("utf-8").splitlines()
    )
