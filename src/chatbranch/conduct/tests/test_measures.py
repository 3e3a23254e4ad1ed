"""A measure cannot be written down for anybody but a member outlet: the type checker refuses it, and so does the program."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest

import chatbranch
from chatbranch.conduct.measures import Imposed, Measure, MemberOutlet, NotAMember

END = datetime(2027, 1, 1, tzinfo=UTC)


@dataclass
class Row:
    """An outlet as the branch keeps it."""

    id: UUID = field(default_factory=uuid4)
    left_at: datetime | None = None
    peer: str = ""


SNIPPET = """
from datetime import datetime
from uuid import UUID
from chatbranch.conduct.measures import Imposed, Measure, MemberOutlet, OfTheBranch

def works(outlet: OfTheBranch, end: datetime) -> Imposed:
    return Measure.ADVISORY.on(MemberOutlet(outlet), until=end, reasons="so")

end = datetime(2027, 1, 1)
Measure.ADVISORY.on("https://stranger.example", until=end, reasons="so")  # refused: an address
Measure.ADVISORY.on(UUID(int=1), until=end, reasons="so")  # refused: any identifier
MemberOutlet("stranger")  # refused: a name
MemberOutlet(UUID(int=1))  # refused: an identifier
def anybody(outlet: OfTheBranch) -> None:
    Measure.EXCLUSION.on(outlet, until=end, reasons="so")  # refused: nobody looked whether it is of the branch
    Measure.EXCLUSION.on(MemberOutlet(outlet), until=None, reasons="so")  # refused: without an end
    Measure.EXCLUSION.on(MemberOutlet(outlet), until=end)  # refused: without reasons
class Stranger(MemberOutlet):  # refused: something that passes for a member outlet
    def __init__(self) -> None: ...
Imposed(Measure.NOTICE, "stranger", end, "so")  # refused: the long way round
"""


def test_the_type_checker_finds_no_way_to_write_a_measure_for_anybody_else(tmp_path: Path) -> None:
    file = tmp_path / "snippet.py"
    file.write_text(SNIPPET, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file=",
        "--no-error-summary",
        "--explicit-package-bases",
    ]
    command += ["--follow-imports=silent", "--ignore-missing-imports", f"--cache-dir={tmp_path}", str(file)]
    source = {**os.environ, "MYPYPATH": str(Path(chatbranch.__file__).parents[1])}
    said = subprocess.run(command, env=source, capture_output=True, text=True).stdout
    found = {int(line) for line in re.findall(r"snippet\.py:(\d+): error", said)}
    wanted = {number for number, line in enumerate(SNIPPET.splitlines(), 1) if "# refused" in line}
    assert found == wanted, said


@pytest.mark.parametrize("row", [Row(left_at=END), Row(peer="another branch")])
def test_the_program_refuses_an_outlet_that_has_left_or_is_of_another_branch(row: Row) -> None:
    with pytest.raises(NotAMember):
        MemberOutlet(row)


def test_whatever_passes_the_checker_by_is_refused_when_it_runs() -> None:
    with pytest.raises(NotAMember):
        Imposed(Measure.NOTICE, Row(), END, "so")  # type: ignore[arg-type]


def test_there_is_no_measure_without_reasons() -> None:
    with pytest.raises(ValueError, match="reasons"):
        Measure.NOTICE.on(MemberOutlet(Row()), until=END, reasons=" ")


def test_measures_are_graded_from_guidance_to_exclusion_and_each_has_a_longest_time() -> None:
    assert [each.word for each in Measure] == [
        "guidance",
        "correction",
        "advisory",
        "notice",
        "suspension",
        "exclusion",
    ]
    assert [each.grade for each in Measure] == [1, 2, 3, 4, 5, 6]
    assert all(0 < each.longest <= 730 for each in Measure)
    assert all(Measure.read(each.word) is each for each in Measure)
    assert Measure.read("flogging") is None
