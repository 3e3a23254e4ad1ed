"""Pages hold together: links lead somewhere, commands exist, files in them are valid, the glossary is kept."""

from __future__ import annotations

import ast
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path
from urllib.parse import unquote

import click
import pytest

from chatbranch.site.cli import main
from chatbranch.site.config import load
from tests.docs.pages import ROOT, anchors, blocks, links, page, pages

PAGES = [str(each.relative_to(ROOT)) for each in pages()]


@pytest.mark.parametrize("name", PAGES)
def test_every_link_between_pages_leads_somewhere(name: str) -> None:
    lost = []
    for link in links(page(name)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            lost.append(link)
    assert not lost


@pytest.mark.parametrize(
    "name", [name for name in PAGES if name.startswith("docs/") and name != "docs/README.md"]
)
def test_every_page_is_found_from_the_index(name: str) -> None:
    if Path(name).name == "_template.md":
        return
    index = "docs/adr/README.md" if name.startswith("docs/adr/0") else "docs/README.md"
    reached = {((ROOT / index).parent / link.partition("#")[0]).resolve() for link in links(page(index))}
    assert (ROOT / name).resolve() in reached


# --- commands ------------------------------------------------------------------------------------


def shell_lines(name: str) -> list[str]:
    lines = "".join(blocks(page(name), "sh")).replace("\\\n", " ").splitlines()
    return [line.partition("   #")[0].strip() for line in lines if line.strip()]


def chatbranch_lines() -> list[tuple[str, list[str]]]:
    """(page, arguments) of every call of chatbranch or run.py in a page's shell blocks."""
    found = []
    for name in PAGES:
        for line in shell_lines(name):
            for call in re.split(r"&&|;|\|", line):
                words = shlex.split(call, comments=True)
                for place, word in enumerate(words):
                    if word.endswith(("bin/chatbranch", "run.py")) or (word == "chatbranch" and place == 0):
                        start = (
                            ["up"]
                            if word.endswith("run.py") and words[place + 1 : place + 2] != ["test"]
                            else []
                        )
                        found.append((name, [*start, *words[place + 1 :]]))
                        break
    return found


@pytest.mark.parametrize(("name", "arguments"), chatbranch_lines())
def test_every_command_in_the_pages_exists_with_its_options(name: str, arguments: list[str]) -> None:
    if arguments[:1] == ["test"]:
        return  # run.py test, whose options are pytest's
    command: click.Command = main
    while isinstance(command, click.Group) and arguments and arguments[0] in command.commands:
        command, arguments = command.commands[arguments[0]], arguments[1:]
    known = {flag for each in command.params for flag in each.opts} | {"--help"}
    assert not isinstance(command, click.Group) or set(arguments) <= known
    assert {each.partition("=")[0] for each in arguments if each.startswith("--")} <= known


def test_the_readme_names_the_two_commands_and_they_are_there() -> None:
    calls = shell_lines("README.md")
    assert {"python3 run.py --demo", "python3 run.py", "python3 run.py test"} <= set(calls)
    assert (ROOT / "run.py").is_file()
    assert "run.py test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_readme_says_the_same_in_chinese() -> None:
    chinese = page("README.md").partition("## 中文说明")[2]
    assert len(re.findall("[\u4e00-\u9fff]", chinese)) > 300
    for call in ("python3 run.py --demo", "python3 run.py test"):
        assert call in chinese


# --- files in the pages --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "body"),
    [(name, body) for name in PAGES for body in blocks(page(name), "toml") if "project." not in body],
)
def test_settings_in_the_pages_are_settings(name: str, body: str, tmp_path: Path) -> None:
    tomllib.loads(body)
    (tmp_path / "chatbranch.toml").write_text(body, encoding="utf-8")
    load({"CHATBRANCH_DATA": str(tmp_path)})


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here: install systemd"
)
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    (unit,) = blocks(page("docs/howto/systemd.md"), "ini")
    ran = re.search(r"^ExecStart=(\S+)", unit, re.MULTILINE)
    assert ran is not None
    file = tmp_path / "chatbranch.service"
    file.write_text(unit.replace(ran[1], "/bin/true"), encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", str(file)], capture_output=True, text=True)
    ours = [line for line in done.stderr.splitlines() if "chatbranch" in line]
    assert ours == []


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not here: apt-get install nginx-light")
def test_nginx_accepts_its_settings(tmp_path: Path) -> None:
    (server,) = blocks(page("docs/howto/https.md"), "nginx")
    plain = re.sub(r"^\s*ssl_certificate.*$", "", server, flags=re.MULTILINE).replace("443 ssl http2", "8443")
    file = tmp_path / "nginx.conf"
    file.write_text(
        f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\n{plain.replace('listen 80;', 'listen 8980;')}}}\n"
    )
    done = subprocess.run(["nginx", "-t", "-q", "-c", str(file)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# --- the glossary --------------------------------------------------------------------------------

# Of the words that CONTEXT.md says not to use, those that mean nothing else in this code.
AVOIDED = {
    "tenant": "branch",
    "faction": "bloc",
    "moderator": "member",
    "admin": "steward",
    "customer": "reader",
    "informant": "asker",
    "reporter": "asker",
    "ticket": "case",
    "attachment_id": "evidence",
    "dashboard": "desk",
    "plugin": "connector",
    "upvote": "rating",
    "downvote": "rating",
    "sanction": "measure",
    "penalty": "measure",
    "punishment": "measure",
    "jury": "panel",
}


def identifiers(file: Path) -> set[str]:
    """Every name a file gives: functions, classes, arguments, variables, attributes it sets."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.add(node.id if isinstance(node, ast.Name) else node.attr)
    return found


def words(name: str) -> set[str]:
    return {part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)} | {name.lower()}


def test_the_code_uses_the_words_of_the_glossary() -> None:
    wrong = [
        f"{file.relative_to(ROOT)}: {name} (say: {AVOIDED[word]})"
        for file in sorted((ROOT / "src/chatbranch").rglob("*.py"))
        for name in sorted(identifiers(file))
        for word in words(name) & set(AVOIDED)
    ]
    assert wrong == []


def test_every_word_to_avoid_points_at_a_word_of_the_glossary() -> None:
    there = set(re.findall(r"^\| (\w+) \|", page("CONTEXT.md"), re.MULTILINE))
    assert set(AVOIDED.values()) <= there


def test_the_glossary_says_each_word_once_in_both_languages() -> None:
    lines = re.findall(r"^\| ([a-z ]+) \| ([^|]+) \| ([^|]+) \|", page("CONTEXT.md"), re.MULTILINE)
    said = [word for word, _, _ in lines if word != "word"]
    assert len(said) > 50
    assert len(said) == len(set(said))
    assert all(re.search("[\u4e00-\u9fff]", chinese) for word, chinese, _ in lines if word != "word")
