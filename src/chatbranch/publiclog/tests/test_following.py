"""What happens in the house is in the log within one turn of the worker: once, and without anybody's words."""

from __future__ import annotations

from uuid import UUID

import pytest
from tests.support.people import ask, case_of, decide, found_branch

from chatbranch.cases import actions as cases
from chatbranch.cases.models import Case
from chatbranch.claims import actions as claims
from chatbranch.claims.importing import do_load_sample
from chatbranch.claims.queries import claim_card
from chatbranch.contacts import actions as contacts
from chatbranch.intake import actions as intake
from chatbranch.kernel import clock, ids
from chatbranch.kernel.errors import Refused
from chatbranch.matching.models import Correction
from chatbranch.publiclog import following, queries, words
from chatbranch.publiclog.actions import do_follow, do_forget, do_note_request
from chatbranch.publiclog.entries import Entry, commitment
from chatbranch.publiclog.models import Entry as Row
from chatbranch.publiclog.models import Salt

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_index")]
RUMOUR = "紧急通知：云岚市自来水厂今晚八点起停水三天，请大家马上储水，转发给家人！"


def logged() -> list[Entry]:
    while do_follow():
        pass
    return [Entry.read(bytes(row.leaf)) for row in Row.objects.order_by("index")]


def decided() -> Case:
    case = case_of(ask(RUMOUR, asker="grandmother"))
    decide(found_branch(), case)
    case.refresh_from_db()
    return case


def test_a_case_and_its_verdict_are_entries_and_what_was_written_is_not() -> None:
    case = decided()
    opened, published = logged()
    assert (opened.kind, opened.subject) == ("case.opened", case.id)
    assert (published.kind, published.subject) == ("verdict.published", case.claim_id)
    assert (published.says["version"], published.says["rating"], published.says["sources"]) == (1, "false", 1)
    everything = b"".join(bytes(row.leaf) for row in Row.objects.all()).decode()
    assert "停水" not in everything
    assert "source.example" not in everything


def test_whoever_has_salt_and_words_sees_that_they_are_what_was_logged() -> None:
    case = decided()
    entry = logged()[1]
    salt = bytes(Salt.objects.get(entry_id=1).salt)
    card = claim_card(case.claim_id or case.id)
    assert card is not None
    said = words.of_verdict(card, int(entry.says["wordings"]))
    assert commitment(salt, said) == entry.says["words"]
    assert commitment(salt, {**said, "explanation": {"en": "another"}}) != entry.says["words"]


def test_a_later_wording_does_not_change_what_the_verdict_was() -> None:
    case = decided()
    before = logged()[1]
    claims.do_publish(
        claim_id=case.claim_id,
        wordings={"en": "another way to say it"},
        rating="true",
        as_of=clock.now().date(),
        sources=[{"url": "https://source.example/2"}],
    )
    after = logged()
    assert after[1] == before
    assert (after[2].kind, after[2].says["previous"], after[2].says["version"]) == (
        "verdict.changed",
        "false",
        2,
    )
    shown = queries.logged(1)
    assert shown is not None
    assert "another way" not in shown.words
    assert shown.words, "its words still open the commitment"


def test_a_withdrawal_is_an_entry() -> None:
    case = decided()
    assert case.claim_id
    claims.do_withdraw(case.claim_id, reason={"en": "we were wrong"})
    assert (logged()[-1].kind, logged()[-1].says["rating"]) == ("verdict.withdrawn", "withdrawn")


def test_what_others_checked_is_never_logged_as_ours() -> None:
    do_load_sample()
    assert logged() == []


def test_following_twice_logs_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    decided()
    with monkeypatch.context() as patch:
        patch.setattr(following, "do_append", lambda drafts: (_ for _ in ()).throw(RuntimeError("cut off")))
        with pytest.raises(RuntimeError):
            do_follow()
    assert len(logged()) == 2
    assert not do_follow()
    assert len(logged()) == 2


def test_an_objection_is_a_request_from_outside() -> None:
    case = decided()
    assert case.claim_id
    objection = cases.do_object(case.claim_id, 1, grounds="我住在那里，水没有停。", lang="zh-Hans")
    entry = logged()[-1]
    assert (entry.kind, entry.subject) == ("request.made", objection.id)
    assert entry.says | {"words": ""} == {
        "asks": "change",
        "by": "reader",
        "claim": str(case.claim_id),
        "version": 1,
        "words": "",
    }


def test_a_request_that_a_member_noted_is_an_entry_without_its_words() -> None:
    members = found_branch()
    noted = do_note_request(members["lin"], asks="remove", by="company", text="请立即删除，否则起诉。")
    entry = logged()[-1]
    assert (entry.kind, entry.subject, entry.says["asks"], entry.says["by"]) == (
        "request.made",
        noted.id,
        "remove",
        "company",
    )
    assert "起诉" not in entry.leaf.decode()
    for bad in ({"asks": "praise"}, {"by": "张三"}, {"text": "  "}, {"claim_id": ids.new_id()}):
        with pytest.raises(Refused):
            do_note_request(members["lin"], **{"asks": "remove", "by": "company", "text": "x", **bad})


def test_a_correction_is_an_entry_that_names_no_member() -> None:
    members = found_branch()
    do_load_sample()
    case = case_of(ask(RUMOUR))
    cases.do_correct_match(members["chen"], case, "nothing", note="和库里的都不一样")
    entry = logged()[-1]
    assert (entry.kind, entry.says["says"]) == ("match.corrected", "nothing")
    leaf = entry.leaf.decode()
    assert str(members["chen"].pk) not in leaf
    assert "都不一样" not in leaf


# --- forgetting -----------------------------------------------------------------------------------


def salts() -> set[UUID]:
    return set(Salt.objects.values_list("entry__subject", flat=True))


def test_forget_me_erases_the_salt_of_a_case_that_only_the_forgotten_sent() -> None:
    case, other = (
        case_of(ask(RUMOUR, asker="grandmother")),
        case_of(ask("云岚老桥明天封闭三个月，请绕行", asker="aunt")),
    )
    before = logged()
    intake.do_forget("web", "grandmother")
    assert do_forget() == 1
    assert salts() == {other.id}
    assert logged() == before
    assert case.variants.exists()


def test_the_salt_stays_while_somebody_else_sent_the_same() -> None:
    case = case_of(ask(RUMOUR, asker="grandmother"))
    ask(RUMOUR, asker="aunt")
    logged()
    intake.do_forget("web", "grandmother")
    assert do_forget() == 0
    assert salts() == {case.id}


def test_forget_me_erases_the_salt_of_an_objection() -> None:
    case = decided()
    assert case.claim_id
    objection = cases.do_object(
        case.claim_id, 1, grounds="我是那里的人", lang="zh-Hans", channel="mail", address="a@mail.example"
    )
    logged()
    assert objection.id in salts()
    contacts.do_forget("mail", "a@mail.example")
    do_forget()
    assert objection.id not in salts()


def test_a_correction_whose_text_is_kept_no_more_keeps_no_salt() -> None:
    members = found_branch()
    do_load_sample()
    case = case_of(ask(RUMOUR, asker="grandmother"))
    cases.do_correct_match(members["chen"], case, "nothing")
    logged()
    (correction,) = Correction.objects.all()
    assert correction.id in salts()
    Correction.objects.update(text="")
    do_forget()
    assert correction.id not in salts()
