"""The life of an account: added, proved, looked at again, doubted, closed; and what everybody reads of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.db import connection
from django.test import Client
from tests.support.databases import Database

from chatbranch.branch import actions as branch
from chatbranch.branch.models import Account, Member, Notice, Proving
from chatbranch.branch.proving import actions, queries
from chatbranch.branch.proving.tests.outside import World
from chatbranch.branch.tests.conftest import outlet, person
from chatbranch.journal.models import Event
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused

Join = Callable[..., Member]
FILE = "https://river.example/.well-known/chatbranch.txt"


def signed_in(member: Member) -> Client:
    TOTP.activate(member, generate_totp_secret())
    client = Client()
    client.force_login(member)
    return client


def started(member: Member, address: str = "https://river.example", method: str = "wellknown") -> Proving:
    account = actions.do_add_account(member, member.outlet, address)
    return actions.do_start_proving(member, account, method)


def proved(member: Member, outside: World, address: str = "https://river.example") -> Proving:
    """An account proved by a file on its site."""
    proving = started(member, address)
    outside.put(f"{address}/.well-known/chatbranch.txt", proving.token, "text/plain")
    actions.do_ask_look(member, proving)
    assert actions.do_look(proving, outside.eyes)
    return proving


def kinds() -> list[str]:
    return list(
        Event.objects.filter(kind__startswith="account.").order_by("seq").values_list("kind", flat=True)
    )


def test_what_is_asked_for_is_written_before_anything_is_looked_at(steward: Member, outside: World) -> None:
    proving = started(steward)
    actions.do_ask_look(steward, proving)
    assert outside.asked == []
    assert Proving.objects.get().due_at is not None, "whoever is killed here leaves the look to the worker"
    outside.put(FILE, proving.token, "text/plain")
    assert actions.do_look_at_due(outside.eyes) == 1
    assert kinds() == ["account.added", "account.asked", "account.proved"]


def test_what_was_seen_is_kept_whole_with_its_hash_for_everybody(
    steward: Member, outside: World, client: Client
) -> None:
    proving = proved(steward, outside)
    kept = proving.sightings.get()
    page = client.get(f"/accounts/{proving.account_id}/").content.decode()
    assert kept.sha256 in page
    assert "已核验" in page
    file = client.get(f"/accounts/evidence/{kept.pk}.txt")
    assert sha256(file.content).hexdigest() == kept.sha256
    assert proving.token in file.content.decode()
    assert Event.objects.get(kind="account.proved").data["sha256"] == kept.sha256
    assert "river.example" in client.get("/accounts/").content.decode()


def test_an_account_that_is_only_added_is_on_no_public_list(steward: Member, client: Client) -> None:
    proving = started(steward)
    assert "river.example" not in client.get("/accounts/").content.decode()
    page = client.get(f"/accounts/{proving.account_id}/?lang=en").content.decode()
    assert "it is not proved now" in page
    assert proving.token not in page


def test_an_old_code_is_worth_nothing(steward: Member, outside: World) -> None:
    proving = started(steward, "https://social.example/@river", "post")
    post = "https://social.example/@river/1"
    outside.put(post, proving.token)
    with clock.held(clock.now() + timedelta(hours=24)), pytest.raises(Refused, match="code-over"):
        actions.do_ask_look(steward, proving, post)
    fresh = actions.do_start_proving(steward, proving.account, "post")
    assert fresh.token != proving.token
    actions.do_ask_look(steward, fresh, post)
    assert actions.do_look(fresh, outside.eyes) is False, "the old post holds the old code"


def test_a_post_elsewhere_is_refused_before_it_is_fetched(steward: Member, outside: World) -> None:
    proving = started(steward, "https://social.example/@river", "post")
    with pytest.raises(Refused, match="elsewhere"):
        actions.do_ask_look(steward, proving, "https://social.example/@other/1")
    assert outside.asked == []


def test_it_is_looked_at_again_after_ninety_days_and_what_is_gone_is_said_and_no_more(
    steward: Member, outside: World, client: Client
) -> None:
    proving = proved(steward, outside)
    assert actions.do_look_at_due(outside.eyes) == 0
    with clock.held(clock.now() + timedelta(days=90, minutes=1)):
        assert actions.do_look_at_due(outside.eyes) == 1
        proving.refresh_from_db()
        assert (proving.seen_at, proving.unproved_at) == (clock.now(), None)
    outside.pages.clear()
    with clock.held(clock.now() + timedelta(days=181)):
        actions.do_look_at_due(outside.eyes)
        page = client.get(f"/accounts/{proving.account_id}/?lang=en").content.decode()
        assert "Not proved since" in page
        assert [each.account for each in queries.unproved(steward)] == [proving.account]
        assert kinds()[-1] == "account.unproved"
        desk = signed_in(steward)
        told = Notice.objects.get()
        assert "river.example" in desk.get("/desk/").content.decode()
        desk.post(f"/desk/notices/{told.pk}/read/")
        assert "river.example" not in desk.get("/desk/").content.decode()
        outside.put(FILE, proving.token, "text/plain")
    with clock.held(clock.now() + timedelta(days=183)):
        actions.do_look_at_due(outside.eyes)
    assert kinds()[-1] == "account.proved", "back again, it is proved again by itself"
    assert queries.unproved(steward) == []


def test_a_site_that_is_down_for_two_days_stays_proved(steward: Member, outside: World) -> None:
    proving = proved(steward, outside)
    outside.status[FILE] = 500
    for days in (91, 92, 93):
        with clock.held(clock.now() + timedelta(days=days)):
            actions.do_look_at_due(outside.eyes)
            proving.refresh_from_db()
            assert proving.unproved_at is None
    with clock.held(clock.now() + timedelta(days=95)):
        actions.do_look_at_due(outside.eyes)
    assert kinds()[-1] == "account.unproved"


def test_where_posts_cannot_be_read_two_members_of_other_owners_look(join: Join, outside: World) -> None:
    mei, lan, gu, lin = join("mei", "山里报"), join("lan", "海风网"), join("gu", "海风视频", owner="海风网编辑部"), join("lin", "城里报")  # fmt: skip
    colleague = join("bo", "山里报")
    proving = started(mei, "https://mp.weixin.qq.com/mp/profile_ext?__biz=Mz", "shown")
    assert queries.to_look_at(lan) == []
    actions.do_ask_look(mei, proving, "https://mp.weixin.qq.com/s/abc")
    assert queries.to_look_at(lan) == [proving]
    assert queries.to_look_at(colleague) == []
    with pytest.raises(Refused, match="others-look"):
        actions.do_see(colleague, proving)
    for looker in (lan, lan, gu):
        actions.do_see(looker, proving)
    proving.refresh_from_db()
    assert proving.proved_at is None, "two of one owner are one"
    actions.do_see(lin, proving)
    proving.refresh_from_db()
    assert proving.proved_at is not None
    assert outside.asked == []
    with clock.held(clock.now() + timedelta(days=91)):
        actions.do_look_at_due(outside.eyes)
        assert [each.why for each in queries.unproved(mei)] == ["due"]


def test_a_look_alike_of_a_proved_account_is_refused_and_told_which(join: Join, outside: World) -> None:
    mei, lan = join("mei", "山里报"), join("lan", "海风网")
    early = started(lan, "https://r1ver.example")
    proved(mei, outside)
    with pytest.raises(Refused, match="account-look-alike") as refused:
        actions.do_add_account(lan, lan.outlet, "https://rlver.example")
    assert "river.example" in refused.value.say("en")
    assert "山里报" in refused.value.say("zh-Hans")
    with pytest.raises(Refused, match="account-taken"):
        actions.do_add_account(lan, lan.outlet, "https://river.example/")
    outside.put("https://r1ver.example/.well-known/chatbranch.txt", early.token, "text/plain")
    actions.do_ask_look(lan, early)
    actions.do_look(early, outside.eyes)
    early.refresh_from_db()
    assert (early.proved_at, early.why) == (None, "look-alike"), "also when it was added before"
    assert actions.do_add_account(mei, mei.outlet, "https://r1ver.example"), "one's own may be alike"


@pytest.mark.parametrize(
    "address", ["https://social.example/@ri\u200bver", "https://social.example/@r\u0456ver"]
)
def test_a_name_with_hidden_characters_or_mixed_scripts_is_refused(steward: Member, address: str) -> None:
    with pytest.raises(Refused, match=r"account-hidden|account-mixed"):
        actions.do_add_account(steward, steward.outlet, address)


def test_only_the_outlets_own_members_and_stewards_tend_its_accounts(steward: Member, join: Join) -> None:
    lan, mei = join("lan", "海风网"), join("mei", "山里报")
    proving = started(lan)
    for attempt in (
        lambda: actions.do_add_account(mei, lan.outlet, "https://x.example"),
        lambda: actions.do_start_proving(mei, proving.account, "dns"),
        lambda: actions.do_ask_look(mei, proving),
        lambda: actions.do_close_account(mei, proving.account, "platform"),
        lambda: actions.do_reopen_account(mei, proving.account),
    ):
        with pytest.raises(Refused, match="not-your-outlet"):
            attempt()
    assert actions.do_start_proving(steward, proving.account, "dns")


def test_a_closed_account_keeps_what_was_proved_and_leads_readers_on(
    join: Join, outside: World, client: Client
) -> None:
    mei = join("mei", "山里报")
    gone, other = proved(mei, outside), proved(mei, outside, "https://hills.example")
    actions.do_close_account(mei, gone.account, "platform")
    page = client.get(f"/accounts/{gone.account_id}/?lang=en").content.decode()
    for part in (
        "The platform closed this account",
        "https://hills.example",
        "/chat/",
        gone.sightings.get().sha256,
    ):
        assert part in page
    assert f'href="{gone.account.address}"' not in page, "what is there now is not theirs"
    assert client.get(f"/accounts/evidence/{gone.sightings.get().pk}.txt").status_code == 200
    with clock.held(clock.now() + timedelta(days=91)):
        outside.asked.clear()
        actions.do_look_at_due(outside.eyes)
        assert FILE not in outside.asked
    with pytest.raises(Refused, match="account-closed"):
        actions.do_start_proving(mei, Account.objects.get(pk=gone.account_id), "dns")
    other.account.refresh_from_db()
    assert other.account.closed_at is None


def test_an_account_found_gone_may_be_noted_as_closed_by_any_member(join: Join, outside: World) -> None:
    mei, lan = join("mei", "山里报"), join("lan", "海风网")
    gone = proved(mei, outside)
    outside.pages.clear()
    with clock.held(clock.now() + timedelta(days=91)):
        actions.do_look_at_due(outside.eyes)
        actions.do_close_account(lan, gone.account, "platform")
    assert Event.objects.get(kind="account.closed").data == {"why": "platform", "by": str(lan.pk)}


def test_an_account_that_is_back_is_looked_at_before_it_counts(join: Join, outside: World) -> None:
    mei = join("mei", "山里报")
    gone = proved(mei, outside)
    actions.do_close_account(mei, gone.account, "platform")
    actions.do_reopen_account(mei, gone.account)
    assert not queries.card(gone.account).proved
    actions.do_look_at_due(outside.eyes)
    assert queries.card(gone.account).proved


def test_two_who_look_at_the_same_moment_look_once(either_database: Database, outside: World) -> None:
    token = branch.do_prepare_founding()
    steward = branch.do_found(token, name="南湾", charter="", outlet=outlet(), person=person())
    proving = started(steward)
    outside.put(FILE, proving.token, "text/plain")
    actions.do_ask_look(steward, proving)
    results: list[bool | None] = []
    barrier = threading.Barrier(4)

    def attempt() -> None:
        mine = Proving.objects.get(pk=proving.pk)
        barrier.wait()
        results.append(actions.do_look(mine, outside.eyes))
        connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(results, key=str) == [None, None, None, True]
    assert kinds().count("account.proved") == 1


def test_an_editor_adds_an_account_and_is_told_what_to_put_where(steward: Member) -> None:
    client = signed_in(steward)
    added = client.post("/desk/accounts/add/", {"address": "river.example"})
    page = client.get(added["Location"]).content.decode()
    assert "域名记录" in page
    account = Account.objects.get()
    client.post(f"/desk/accounts/{account.pk}/start/", {"method": "dns"})
    page = client.get(f"/desk/accounts/{account.pk}/?lang=en").content.decode()
    assert f"chatbranch={Proving.objects.get().token}" in page
    assert "_chatbranch.river.example" in page
    wrong = client.post("/desk/accounts/add/", {"address": "river"}, headers={"accept-language": "zh"})
    assert wrong.status_code == 400
    assert 'value="river"' in wrong.content.decode()
