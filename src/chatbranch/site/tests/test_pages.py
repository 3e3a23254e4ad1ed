"""What every page is made of: vendored files as they were published, tags that speak the reader's language."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.template import Context, Template
from django.test import Client
from django.utils import translation

from chatbranch.branch.models import Branch

SITE = Path(__file__).resolve().parent.parent


def render(template: str, lang: str = "zh-hans", **context: object) -> str:
    with translation.override(lang):
        return Template(template).render(Context(context))


def test_every_vendored_file_is_the_one_its_list_names() -> None:
    folder = SITE / "static" / "vendor"
    listed = dict(
        re.findall(
            r"^\| (\S+) \|.*`([0-9a-f]{64})` \|$", (folder / "README.md").read_text("utf-8"), re.MULTILINE
        )
    )
    scripts = {file.name for file in folder.glob("*.js")}
    assert scripts
    assert listed == {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in scripts}


def test_no_template_styles_or_runs_anything_inline() -> None:
    inline = re.compile(
        r"<style|\sstyle=|\son[a-z]+=\"|javascript:|<script(?![^>]*(\ssrc=|application/(?:ld\+)?json))"
    )
    templates = list(SITE.parent.glob("*/templates/**/*.html"))
    assert len(templates) > 10
    found = [
        f"{file.name}: {hit.group()}"
        for file in templates
        for hit in inline.finditer(file.read_text("utf-8"))
    ]
    assert found == []


def test_the_style_sheet_stays_one_short_file() -> None:
    assert [file.name for file in (SITE / "static").glob("*.css")] == ["house.css"]
    assert len((SITE / "static" / "house.css").read_text("utf-8").splitlines()) <= 500


AT_THE_DESK = {"matches.html", "_correct.html"}
"""Pages, and parts of them, of slices that also have readers' pages."""


def test_readers_pages_use_only_what_the_style_sheet_knows() -> None:
    known = set(re.findall(r"\.([a-z][a-z0-9-]*)", (SITE / "static" / "house.css").read_text("utf-8")))
    unknown = set()
    for file in (
        file
        for slice in ("site", "intake", "claims", "matching")
        for file in (SITE.parent / slice).glob("templates/**/*.html")
        if file.name not in AT_THE_DESK
    ):
        markup = re.sub(r"\{[%{#].*?[%}#]\}", " ", file.read_text("utf-8"), flags=re.DOTALL)
        unknown |= {
            (file.name, name) for names in re.findall(r'class="([^"]*)"', markup) for name in names.split()
        } - {(file.name, name) for name in known}
    assert unknown == set()


@pytest.mark.parametrize(
    ("lang", "said"),
    [("zh-hans", "问一问"), ("zh-hant", "問一問"), ("en", "Ask")],
    ids=["zh-Hans", "zh-Hant", "en"],
)
def test_a_phrase_is_said_in_the_readers_language(lang: str, said: str) -> None:
    assert render('{% say "问一问" "Ask" %}', lang) == said


def test_a_value_in_a_phrase_is_escaped() -> None:
    assert render('{% say "{name}" "{name}" name=name %}', name="<b>") == "&lt;b&gt;"
    assert render("{% say '{name}' '{name}' name=name %}", "zh-hant", name="<b>") == "&lt;b&gt;"


@pytest.mark.parametrize(
    "when",
    [date(2026, 11, 3), datetime(2026, 11, 3, 9, tzinfo=UTC), "2026-11-03", "2026-11-03T09:00:00+00:00"],
)
def test_a_day_is_written_as_people_write_it(when: date | str) -> None:
    assert render("{{ when|day }}", when=when) == "2026年11月3日"
    assert render("{{ when|day }}", "en", when=when) == "3 November 2026"


def test_a_rating_is_parted_from_its_explanation() -> None:
    template = "{% with parts='misleading'|rating_parts %}{{ parts.0 }}|{{ parts.1 }}{% endwith %}"
    assert render(template) == "有误导|缺少背景"
    assert render(template, "en") == "misleading|missing context"


def test_a_text_in_another_language_is_marked_as_such() -> None:
    texts = {"zh-Hans": ["水"], "en": ["Water"]}
    assert render("{{ texts|lang_of }} {{ texts|headline }}", "en", texts=texts) == "en Water"
    assert (
        render("{{ texts|lang_of }} {{ texts|headline }}", "zh-hant", texts={"zh-Hans": ["说"]})
        == "zh-Hant 說"
    )
    assert render("{{ texts|lang_of }} {{ texts|headline }}", "en", texts={"zh-Hans": ["水"]}) == "zh-Hans 水"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/about/", "/chat/", "/robots.txt", "/health"])
def test_pages_of_the_house_are_served_and_only_read(client: Client, path: str) -> None:
    assert client.get(path).status_code == 200
    assert client.post(path).status_code == 405


def test_a_channel_is_called_by_its_title_in_the_readers_language() -> None:
    assert render("{{ 'web'|channel }} {{ 'mail'|channel }}") == "网页聊天 电子邮件"
    assert render("{{ 'web'|channel }} {{ 'mail'|channel }}", "en") == "Web chat E-mail"
    assert render("{{ 'pigeon'|channel }}", "en") == "pigeon"


@pytest.mark.django_db
def test_the_charter_stands_on_the_about_page_in_the_branch_s_own_words(client: Client) -> None:
    assert "我们的章程" not in client.get("/about/?lang=zh-Hans").content.decode()
    Branch.objects.create(name="云岚", charter="只查事实，<b>不评</b>看法。\n错了就改。")
    shown = client.get("/about/?lang=en").content.decode()
    assert "Our charter" in shown
    assert '<blockquote class="quote" lang="zh-Hans">只查事实，&lt;b&gt;不评&lt;/b&gt;看法。' in shown


@pytest.mark.django_db
def test_the_branch_is_called_by_its_name_in_the_readers_script_everywhere(client: Client) -> None:
    Branch.objects.create(name="云岚联合核查会")
    assert "云岚" not in client.get("/about/?lang=zh-Hant").content.decode()
    assert "云岚联合核查会" in client.get("/about/?lang=en").content.decode()


@pytest.mark.django_db
def test_before_the_founding_every_page_still_has_a_name(client: Client) -> None:
    page = client.get("/").content.decode()
    assert "· chatbranch</title>" in page
    assert re.search(r'class="brand".*<span>chatbranch</span></a>', page, re.DOTALL)


@pytest.mark.django_db
def test_a_page_that_is_not_there_says_so_courteously(client: Client) -> None:
    response = client.get("/nowhere/", headers={"accept-language": "en"})
    assert response.status_code == 404
    assert "There is no such page" in response.content.decode()


@pytest.mark.django_db
def test_the_language_switch_keeps_the_page_and_what_was_searched(client: Client) -> None:
    page = client.get("/about/?from=a%26b&lang=en").content.decode()
    assert 'href="/about/?from=a%26b&amp;lang=zh-Hans"' in page


@pytest.mark.django_db
def test_search_engines_are_kept_from_what_belongs_to_one_asker(client: Client) -> None:
    robots = client.get("/robots.txt").content.decode()
    assert "Disallow: /answers/" in robots
    assert "Disallow: /claims/" not in robots
