"""There is no place to put an identity document: in no table, no form, no upload."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps

from tests.house.test_safeguards import PAPERS, words
from tests.house.tools import ROOT

SOURCE = ROOT / "src" / "chatbranch"
PAGES = sorted([*SOURCE.rglob("*.html"), *SOURCE.rglob("*.js")])
ASKED = re.compile(
    r"身份证|证件|护照|驾照|户口|实名|真实姓名|身份号|人脸|自拍|手机号|出生|"
    r"\b(passport|identity|id card|id number|driv\w+ licen[cs]e|selfie|real name|legal name|birth|national|phone number)\b",
    re.I,
)
UPLOADS = {
    "intake/templates/intake/ask.html",
    "cases/templates/cases/_evidence.html",
}
"""Pages with a file to add: a picture of a message that is asked about, and evidence for a case. Neither is about a person."""


def fields(page: str) -> Iterator[tuple[str, str]]:
    """(name, label) of every input: of {% field "name" "中文" "English" %}, of <label>, and of inputs by their name."""
    for name, zh, en in re.findall(r'{% field "?([\w.-]+)"? "([^"]*)" "([^"]*)"', page):
        yield name, f"{zh} {en}"
    for label in re.findall(r"<(?:label|legend)\b[^>]*>(.*?)</(?:label|legend)>", page, re.DOTALL):
        yield "", label
    for name in re.findall(r'<(?:input|select|textarea)\b[^>]*\bname="([^"{]+)"', page):
        yield name, ""


def test_no_table_has_a_column_for_one() -> None:
    named = [
        f"{table.__name__}.{field.name} {getattr(field, 'verbose_name', '')} {getattr(field, 'help_text', '')}"
        for table in apps.get_models()
        if table.__module__.startswith("chatbranch.")
        for field in table._meta.get_fields()
    ]
    assert len(named) > 200
    assert [each for each in named if words(each) & set(PAPERS.split()) or ASKED.search(each)] == []


def test_no_form_asks_for_one() -> None:
    found = [(file, *each) for file in PAGES for each in fields(file.read_text("utf-8"))]
    assert len(found) > 60, "the walk sees the forms"
    assert {"person", "username", "address", "whom", "code"} <= {name for _, name, _ in found}
    asked = [
        (str(file.relative_to(SOURCE)), name, label)
        for file, name, label in found
        if ASKED.search(label) or words(name.replace("-", "_")) & set(PAPERS.split())
    ]
    assert asked == []


def test_files_can_be_added_to_a_question_and_to_a_case_and_nowhere_else() -> None:
    with_files = {str(file.relative_to(SOURCE)) for file in PAGES if 'type="file"' in file.read_text("utf-8")}
    assert with_files == UPLOADS


def test_files_are_read_from_a_request_in_these_two_slices_only() -> None:
    reading = {
        file.relative_to(SOURCE).parts[0]
        for file in SOURCE.rglob("*.py")
        if "tests" not in file.parts and "request.FILES" in file.read_text("utf-8")
    }
    assert reading <= {"intake", "cases"}


@pytest.mark.parametrize(
    "form",
    [
        '{% field "number" "身份证号" "Your number" %}',
        '{% field "passport" "号码" "Number" %}',
        '<label for="x">Your legal name</label>',
        '<input type="text" name="id-card">',
    ],
)
def test_a_form_that_asked_for_one_would_be_seen(form: str, tmp_path: Path) -> None:
    seen = list(fields(form))
    assert any(
        ASKED.search(label) or words(name.replace("-", "_")) & {*PAPERS.split(), "card"}
        for name, label in seen
    )
