"""Card codes: copied by hand, in capitals or not, they are still read; and every version of a verdict has one of its own."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st
from tests.support.databases import Database

from chatbranch.claims import codes, queries
from chatbranch.claims.actions import do_withdraw
from chatbranch.claims.importing import do_load_sample
from chatbranch.claims.models import AppendOnly, CardCode, Verdict
from chatbranch.claims.tests.test_actions import published

written = st.builds(
    lambda symbols: f"CB-{symbols[:4]}-{symbols[4:]}", st.text(codes.SYMBOLS, min_size=8, max_size=8)
)
prose = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="-‐‑‒–—−_"), max_size=40)


@given(written, prose, prose)
def test_a_code_is_found_in_any_text_around_it(code: str, before: str, after: str) -> None:
    assert codes.find(f"{before} {code} {after}") == [code]


@given(written, st.sampled_from(["-", "—", "‑", " - ", "−"]), st.booleans())
def test_what_hands_and_keyboards_make_of_a_code_is_read_as_that_code(
    code: str, dash: str, small: bool
) -> None:
    typed = code.replace("0", "O").replace("1", "l").replace("-", dash)
    assert codes.find(typed.lower() if small else typed) == [code]


@pytest.mark.parametrize(
    "typed", ["cb7k2m9qxd", "ＣＢ－７Ｋ２Ｍ－９ＱＸＤ", "CB 7K2M 9QXD", " CB-7K2M-9QXD\n"]
)
def test_a_code_by_itself_may_be_typed_in_any_way(typed: str) -> None:
    assert codes.find(typed) == ["CB-7K2M-9QXD"]
    assert codes.without(typed) == ""


@pytest.mark.parametrize(
    "said",
    [
        "CB-7K2M-9QXDE",
        "ACB-7K2M-9QXD",
        "CB-7K2U-9QXD",
        "CB 2024 1234 号文件",
        "航班CB7K2M9QXD延误",
        "CB-",
        "",
    ],
)
def test_what_only_looks_like_a_code_is_none(said: str) -> None:
    assert codes.find(said) == []


def test_what_is_said_beside_a_code_is_what_is_left() -> None:
    address = "https://branch.example/c/CB-7K2M-9QXD"
    assert codes.without(f"看 {address} 说水停了") == "看 说水停了"
    assert codes.without(f"CB-7K2M-9QXD {address}") == ""


@given(st.integers(1, 40))
def test_a_new_code_is_one_as_we_write_them(count: int) -> None:
    made = [codes.new_code() for _ in range(count)]
    assert all(codes.is_code(each) and codes.find(each) == [each] for each in made)
    assert len(set(made)) == count


@pytest.mark.django_db
def test_every_version_of_a_verdict_has_a_code_of_its_own_imported_ones_too() -> None:
    verdict = published()
    do_withdraw(verdict.claim_id, reason={"en": "We were wrong."})
    do_load_sample()
    assert CardCode.objects.count() == Verdict.objects.count() > 50
    first = queries.claim_card(verdict.claim_id, 1)
    assert first is not None
    found = queries.card_of_code(first.code)
    assert found is not None
    assert (found.version, found.current) == (1, False)
    assert queries.card_of_code("CB-0000-0000") is None


def test_a_code_once_given_stays(either_database: Database) -> None:
    published()
    (row,) = CardCode.objects.all()
    with pytest.raises(AppendOnly):
        row.save()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE claims_cardcode SET code = 'CB-0000-0000'")
