"""A reader with a phone asks, is answered, comes back with a code, and passes the answer on."""

from __future__ import annotations

import re

import pytest

from tests.browser.conftest import Visit
from tests.support.house import House

pytestmark = pytest.mark.server

KNOWN = "家人们快看！反复烧开的水含有大量亚硝酸盐，喝了会致癌。大家快转！"
OPINION_FREE_NEW = "听说{place}明天下午三点免费发放一千台电动自行车，先到先得，快去排队。"


def ask(page, text: str) -> None:
    """Type a message into the one field and send it."""
    page.fill("#text", text)
    page.locator("form[action='/ask'] .button:not(label)").click()
    page.wait_for_load_state()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_what_was_checked_is_answered_at_once_with_the_matched_words_marked(
    visit: Visit, scripts: bool
) -> None:
    page = visit("/", scripts=scripts)
    ask(page, KNOWN)
    assert page.locator("h1").inner_text() == "不实"
    assert "亚硝酸盐" in page.locator("mark.match").inner_text()
    assert page.locator(".sources a").count() >= 1
    assert page.locator(".verdict-date time").inner_text()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_what_is_new_gets_a_code_that_tells_where_it_stands(visit: Visit, scripts: bool) -> None:
    page = visit("/", scripts=scripts)
    ask(page, OPINION_FREE_NEW.format(place="东门" if scripts else "西门"))
    code = page.locator(".code-big").inner_text()
    assert re.fullmatch(r"\d{4,8}", code)
    page.goto("/status/")
    page.fill("#code", code)
    page.locator("main form .button").click()
    page.wait_for_load_state()
    assert code in page.locator("h1").inner_text()


def test_every_answer_says_why(visit: Visit) -> None:
    page = visit("/", lang="en")
    ask(
        page,
        "Please share: " + "Water that has been boiled again and again is full of nitrite and causes cancer.",
    )
    page.locator("summary", has_text="Why this answer").click()
    table = page.locator(".fold table").inner_text()
    assert "calibrated-and-clean" in table
    assert "Needed for a direct answer" in table


def test_an_answer_can_be_passed_on_with_one_touch(visit: Visit) -> None:
    page = visit("/")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page, KNOWN)
    page.locator("[data-copy]").click()
    page.wait_for_function("document.querySelector('[data-copy]').textContent.includes('已复制')")
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#share-text").input_value()


def test_a_refusal_keeps_what_was_typed_and_says_what_to_do_beside_the_field(visit: Visit) -> None:
    page = visit("/")
    ask(page, "。。。！！")
    assert page.locator("#text").input_value() == "。。。！！"
    assert page.locator("#text").get_attribute("aria-invalid") == "true"
    assert "请把那句话、链接或截图发来" in page.locator("#text-error").inner_text()


def test_a_file_that_is_no_picture_is_refused_beside_its_field(visit: Visit) -> None:
    page = visit("/", lang="en")
    page.set_input_files("#image", {"name": "notes.png", "mimeType": "image/png", "buffer": b"only words"})
    assert page.locator("label[for=image]").inner_text() == "notes.png"
    ask(page, "Is this picture real?")
    assert "not a picture" in page.locator("#image-error").inner_text()
    assert page.locator("#text").input_value() == "Is this picture real?"


def test_markup_in_a_message_is_shown_and_never_run(visit: Visit) -> None:
    page = visit("/")
    attack = "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">反复烧开的水含有大量亚硝酸盐，喝了会致癌。"
    ask(page, attack)
    assert page.title() != "taken"
    assert page.locator("main img, main script").count() == 0


def test_the_answer_appears_by_itself_when_members_decide(visit: Visit, house: House) -> None:
    page = visit("/")
    ask(page, OPINION_FREE_NEW.format(place="北门"))
    code = page.locator(".code-big").inner_text()
    house.run(DECIDE.format(code=code))
    page.locator(".verdict-word").wait_for(timeout=20_000)
    assert page.locator("h1").inner_text() == "不实"
    assert code in page.locator(".notice").inner_text()
    assert page.locator("#live-said").inner_text() == "有结论了"


DECIDE = """
from datetime import date
from chatbranch.branch.models import Member
from chatbranch.cases import actions
from chatbranch.cases.models import Case
from chatbranch.kernel import clock
case = Case.objects.get(code="{code}")
outlets = dict()
for member in Member.objects.filter(outlet__isnull=False).order_by("id"):
    outlets.setdefault(member.outlet_id, member)
author, *others = outlets.values()
note = actions.do_propose_note(
    author, case, wording={{"zh-Hans": "北门明天免费发放电动自行车。"}}, rating="false", as_of=clock.now().date(),
    explanation={{"zh-Hans": "主办方没有这项活动。"}}, sources=[{{"url": "https://example.org/notice", "title": "公告"}}],
)
for member in others:
    note.refresh_from_db()
    if note.accepted_at is None:
        actions.do_rate(member, note, value=1.0)
note.refresh_from_db()
assert note.accepted_at
"""


def test_the_chat_answers_in_the_same_words(visit: Visit) -> None:
    page = visit("/chat/")
    page.locator("#chat-form").wait_for()
    page.fill("#say", KNOWN)
    page.locator("#chat-form .button").click()
    page.locator(".turn-ours", has_text="不实").wait_for()
    assert page.locator(".turn:not(.turn-ours)").inner_text().startswith("家人们快看")


def test_the_chat_leads_to_the_ask_page_where_scripts_do_not_run(visit: Visit) -> None:
    page = visit("/chat/", scripts=False)
    page.locator("noscript a, main a[href='/']").first.click()
    assert page.locator("#text").is_visible()


def test_a_reader_can_say_that_a_verdict_is_wrong(visit: Visit) -> None:
    page = visit("/library/?q=亚硝酸盐")
    page.locator(".list-link").first.click()
    page.locator("#wrong summary").click()
    page.fill("#grounds", "来源已经更新，请再看一次。")
    page.locator("#wrong .button").click()
    page.wait_for_load_state()
    assert "谢谢" in page.locator("h1").inner_text()


def test_a_reader_can_be_forgotten(visit: Visit) -> None:
    page = visit("/")
    ask(page, KNOWN)
    answer = page.url
    page.goto("/forget/")
    page.locator("main form .button-danger").first.click()
    page.wait_for_load_state()
    assert "已删除" in page.locator(".notice").inner_text()
    assert page.goto(answer).status == 404


def test_the_language_stays_chosen(visit: Visit) -> None:
    page = visit("/about/")
    page.locator("[hreflang=zh-Hant]").click()
    page.goto("/library/")
    assert page.locator("html").get_attribute("lang") == "zh-Hant"
    assert page.locator("h1").inner_text() == "查過的消息"
    page.goto("/library/?q=水")
    page.locator("[hreflang=en]").click()
    assert page.locator("#q").input_value() == "水"
    assert page.locator("html").get_attribute("lang") == "en"
