"""A card: what stands on it, in which language, and that it is always the same."""

from __future__ import annotations

import hashlib
import io
from datetime import date
from pathlib import Path

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from noto_cjk_sans_otc import FONT_PATH
from PIL import Image

from chatbranch.claims import passing_on, queries
from chatbranch.claims.actions import do_withdraw
from chatbranch.claims.cards import ClaimCard
from chatbranch.claims.importing import do_load_sample
from chatbranch.claims.rules import RATINGS
from chatbranch.claims.tests.test_actions import published
from chatbranch.intake.pictures import card_codes
from chatbranch.kernel.phrases import LANGS
from chatbranch.publishing import cards, picture
from chatbranch.publishing.lines import wrap


def card(rating: str = "false", **changes: object) -> ClaimCard:
    verdict = published(rating=rating, sources=[{"url": "https://example.org/cold"}], **changes)
    found = queries.claim_card(verdict.claim_id)
    assert found is not None
    return found


# --- lines ----------------------------------------------------------------------------------------


@given(st.text(st.sampled_from("水喝白酒能治感冒，。「」（） abcdefgh'-"), max_size=120), st.integers(6, 30))
def test_no_line_is_too_wide_and_nothing_is_lost(text: str, width: int) -> None:
    lines = wrap(text, width, len, 10_000)
    assert "".join("".join(lines).split()) == "".join(text.split())
    crowded = max(map(len, lines), default=0)
    assert crowded <= width or any(mark * 3 in text or set(text) & set("，。「」（）") for mark in text)


def test_chinese_never_begins_a_line_with_a_comma_nor_ends_one_with_an_opening_mark() -> None:
    for width in range(4, 16):
        for line in wrap("网传（云岚市）自来水停供三天，请大家储水，转发给家人。", width, len, 99):
            assert line[0] not in "，。）"
            assert line[-1] != "（"


def test_english_breaks_between_words_and_what_does_not_fit_ends_in_an_ellipsis() -> None:
    assert wrap("Drinking spirits cures a cold", 16, len, 9) == ["Drinking spirits", "cures a cold"]
    assert wrap("Drinking spirits cures a cold", 9, len, 2) == ["Drinking", "spirits…"]
    assert wrap("incomprehensibilities", 8, len, 9) == ["incompre", "hensibil", "ities"]
    assert wrap("", 8, len, 9) == []


# --- the picture ----------------------------------------------------------------------------------


def test_the_font_is_the_one_that_noto_and_debian_publish() -> None:
    expected = "b76b0433203017ca80401b2ee0dd69350349871c4b19d504c34dbdd80541690a"
    assert hashlib.sha256(Path(str(FONT_PATH)).read_bytes()).hexdigest() == expected


@pytest.mark.django_db
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("rating", sorted(set(RATINGS) - {"withdrawn"}))
def test_every_card_is_a_picture_for_a_phone_whose_code_can_be_read(rating: str, lang: str) -> None:
    ours = card(rating)
    drawn = picture.draw(cards.words_of(ours, lang))
    image = Image.open(io.BytesIO(drawn))
    assert (image.format, image.width) == ("PNG", 1080)
    assert 700 < image.height < 2500
    assert len(drawn) < 120_000
    assert card_codes(drawn) == [ours.code]


@pytest.mark.django_db
def test_the_same_verdict_gives_the_same_bytes_and_another_version_gives_others(client: Client) -> None:
    ours = card()
    words = cards.words_of(ours, "en")
    once = picture.draw(words)
    picture.draw.cache_clear()
    assert picture.draw(words) == once
    do_withdraw(ours.id, reason={"en": "We were wrong."})
    now = queries.claim_card(ours.id)
    assert now is not None
    assert cards.words_of(now, "en").warning
    assert picture.draw(cards.words_of(now, "en")) != once


@pytest.mark.django_db
def test_a_very_long_claim_is_cut_and_the_code_still_fits() -> None:
    ours = card(wordings={"zh-Hans": "水" * 3000})
    assert card_codes(picture.draw(cards.words_of(ours, "zh-Hans"))) == [ours.code]


@pytest.mark.django_db
def test_what_the_font_lacks_shows_as_its_box_and_nothing_breaks() -> None:
    ours = card(wordings={"en": "🐸 ﷺ \u200d and العربية"})
    assert picture.draw(cards.words_of(ours, "en"))


@pytest.mark.django_db
def test_the_picture_is_served_in_the_language_of_its_address_and_kept_until_it_changes(
    client: Client,
) -> None:
    ours = card()
    address = f"/claims/{ours.id}/card.png?lang=en"
    response = client.get(address)
    assert (response["Content-Type"], response["Content-Language"]) == ("image/png", "en")
    assert response.cookies == {}
    again = client.get(address, headers={"if-none-match": response["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    do_withdraw(ours.id, reason={"en": "We were wrong."})
    assert client.get(address, headers={"if-none-match": response["ETag"]}).status_code == 200
    assert client.get("/claims/01a20ad0-0000-7000-8000-000000000001/card.png").status_code == 404


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("rating", sorted(set(RATINGS) - {"withdrawn"}))
def test_the_text_for_the_family_group_blames_nobody_in_any_language(rating: str) -> None:
    ours = card(rating)
    for lang in LANGS:
        said = cards.kind_text_of(ours, lang)
        assert ours.code in said
        assert not {"造谣", "谣言", "傻", "stupid", "liar", "rumour", "fake"} & set(
            said.replace(".", " ").split()
        )
        assert "{" not in said
    assert cards.kind_text_of(ours, "zh-Hant").startswith("大家好，")
    assert "群裡" in cards.kind_text_of(ours, "zh-Hant")


def test_an_explanation_is_cut_at_the_end_of_a_sentence() -> None:
    assert passing_on.gist("第一句。" + "很长" * 100, "zh-Hans") == "第一句。"
    assert passing_on.gist("One. " + "long " * 100, "en") == "One. "
    assert passing_on.gist("长" * 300, "zh-Hans").endswith("长…")


@pytest.mark.django_db
def test_a_card_says_whose_check_it_is_and_when_its_time_is_over() -> None:
    over = card(as_of=date(2020, 1, 1), expires=date(2020, 2, 1))
    assert "已过" in cards.text_of(over, "zh-Hans")
    assert cards.kind_text_of(over, "zh-Hans") == ""
    do_load_sample()
    sample = next(each for each in queries.recent(most=5) if each.origin)
    assert "（转录）" in cards.text_of(sample, "zh-Hans")
    assert "(imported)" in cards.words_of(sample, "en").facts[1]


# --- the page of a code ---------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_code_leads_to_what_the_card_said_and_to_what_holds_today(client: Client) -> None:
    ours = card()
    assert "这张卡片是我们的" in client.get(f"/c/{ours.code}").content.decode()
    do_withdraw(ours.id, reason={"zh-Hans": "弄错了。", "en": "We were wrong."})
    page = client.get(f"/c/{ours.code}?lang=en").content.decode()
    assert "This card is an old one; its verdict was “false”" in page
    assert "We were wrong." in page
    assert client.get(f"/c/{ours.code.lower()}")["Location"] == f"/c/{ours.code}"


@pytest.mark.django_db
@pytest.mark.parametrize("code", ["CB-0000-0000", "nonsense", "CB-7K2M", "%3Cscript%3E"])
def test_a_code_of_nobody_is_said_to_be_none_of_ours(client: Client, code: str) -> None:
    response = client.get(f"/c/{code}?lang=en")
    assert response.status_code == 404
    assert "is not one of our codes" in response.content.decode()
    assert "<script>" not in response.content.decode().replace("<script type", "")


@pytest.mark.django_db
def test_the_page_of_a_verdict_has_what_to_pass_on_without_a_script(client: Client) -> None:
    ours = card()
    page = client.get(f"/claims/{ours.id}/").content.decode()
    assert f'src="/claims/{ours.id}/card.png?lang=zh-Hans"' in page
    assert f'href="/c/{ours.code}"' in page
    assert f'property="og:image" content="{cards.picture_url(ours, "zh-Hans")}"' in page
    assert cards.text_of(ours, "zh-Hans") in page
    do_withdraw(ours.id, reason={"en": "We were wrong."})
    assert 'id="pass-on"' not in client.get(f"/claims/{ours.id}/?version=1").content.decode()
