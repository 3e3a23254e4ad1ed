"""What may stand in a committed file: nothing of one machine, and no package from anywhere but the public index."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.house.tools import ROOT, committed

INDEX = "https://pypi.org/simple"
FILES = "https://files.pythonhosted.org/"
# A folder of one machine, as an absolute path: after a quote, a blank, an = or a bracket, or at the start of a line.
_MACHINE = re.compile(
    r"(?:^|[\s\"'=(`<>:,])(?:/work/|/root/|/home/[a-z]|/Users/[A-Za-z]|file:///(?:work|root|home|Users)/)"
)
_BINARY = {".onnx", ".png", ".jpg", ".jpeg", ".webp", ".gz", ".woff2", ".ico"}
_HERE = "tests/house/test_files.py"


def test_the_lock_names_only_the_public_index() -> None:
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    elsewhere = set()
    for package in lock["package"]:
        source = package["source"]
        if source.get("registry", INDEX) != INDEX or not ({"registry", "editable", "virtual"} & set(source)):
            elsewhere.add(f"{package['name']}: {source}")
        for file in [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]:
            if not str(file.get("url", "")).startswith(FILES) or not str(file.get("hash", "")).startswith(
                "sha256:"
            ):
                elsewhere.add(f"{package['name']}: {file.get('url')}")
    assert not elsewhere, "packages from elsewhere, or without a hash:\n" + "\n".join(sorted(elsewhere))


def test_no_committed_file_names_a_path_of_a_machine() -> None:
    found = []
    for file in committed():
        name = str(file.relative_to(ROOT))
        if file.suffix in _BINARY or name == _HERE:
            continue
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        found += [f"{name}:{number}" for number, line in enumerate(lines, 1) if _MACHINE.search(line)]
    assert not found, "these lines name a folder of one machine:\n" + "\n".join(found)


@pytest.mark.parametrize(
    "line", ['x = "/work/main"', "cd /root/chatbranch", "see file:///root/x", "`/home/ann/x`"]
)
def test_a_path_of_a_machine_would_be_seen(line: str) -> None:
    assert _MACHINE.search(line)


@pytest.mark.parametrize(
    "line", ["https://branch.example/work/about", "src/work/x", "the /desk/ page", "/var/lib/chatbranch"]
)
def test_an_address_or_a_usual_folder_is_no_path_of_a_machine(line: str) -> None:
    assert not _MACHINE.search(line)
