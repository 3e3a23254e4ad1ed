"""What is said in one room of a route is heard in the others, once, under the writer's name."""

from __future__ import annotations

import pytest

from chatbranch.contacts import actions as contacts
from chatbranch.deliveries.models import Delivery
from chatbranch.kernel import clock
from chatbranch.kernel.messages import Attachment, Gap
from chatbranch.relay import actions, rules
from chatbranch.relay.models import Carried
from chatbranch.relay.tests.support import (
    PLAIN,
    PUPPETS,
    RICH,
    arrived,
    carry,
    done,
    install,
    join,
    legs,
    said,
    texts,
    waiting,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _platforms(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, {"rich": RICH, "plain": PLAIN, "puppets": PUPPETS})


def test_every_other_room_hears_it_under_name_and_platform() -> None:
    join("rich !a", "plain #b", "plain #c")
    assert carry(said("rich !a", "The bridge is open.")) == ["plain"]
    assert texts("plain") == ["Anna (Rich): The bridge is open."] * 2
    assert texts("rich") == []


def test_chinese_rooms_read_a_chinese_colon() -> None:
    join("rich !a", "plain #b", lang="zh-Hans")
    carry(said("rich !a", "大桥通车了", sender="安娜"))
    assert texts("plain") == ["安娜（Rich）：大桥通车了"]


def test_a_platform_with_names_shows_the_writer_and_the_bare_words() -> None:
    join("plain #b", "puppets g")
    carry(said("plain #b", "hello"))
    (body,) = waiting("puppets")
    assert (body["text"], body["author"]) == ("hello", "Anna (Plain)")


def test_the_same_message_brought_twice_is_carried_once() -> None:
    join("rich !a", "plain #b")
    assert carry(said("rich !a", "once"))
    assert carry(said("rich !a", "once")) == []
    assert len(texts("plain")) == 1


def test_a_room_in_no_route_is_nobodys_business() -> None:
    join("rich !a", "plain #b")
    assert carry(said("rich !elsewhere", "private talk")) == []
    assert not Carried.objects.exists()


def test_two_conversations_do_not_mix() -> None:
    join("rich !a", "plain #b")
    actions.do_follow_settings(
        {
            "members": {"lang": "en", "rooms": ["rich !a", "plain #b"]},
            "readers": {"rooms": ["rich !x", "plain #y"], "lang": "en"},
        }
    )
    Delivery.objects.all().delete()
    carry(said("rich !x", "for readers"))
    assert Delivery.objects.count() == 1


def test_what_is_too_long_for_a_platform_arrives_whole_in_parts() -> None:
    join("rich !a", "plain #b")
    text = "很长的一段话。" * 200
    carry(said("rich !a", text))
    parts = texts("plain")
    assert "".join(map(str, parts)) == f"Anna (Rich): {text}"
    assert all(len(str(part)) <= PLAIN.characters for part in parts)


def test_a_reply_points_to_the_copy_where_it_can_and_quotes_where_it_cannot() -> None:
    join("rich !a", "plain #b", "puppets g")
    carry(said("rich !a", "Is the water safe?", "q"))
    carry(said("rich !a", "Yes, boiled.", "r", "ben", in_reply_to="q"))
    question = Carried.objects.get(message_id="q")
    copy = waiting("puppets")[1]
    assert str(copy["refers"]).startswith(f"relay:{question.pk}:")
    assert texts("plain")[1] == "> Is the water safe?\nBen (Rich): Yes, boiled."


def test_a_reply_to_our_copy_finds_the_original_where_it_was_said() -> None:
    join("rich !a", "puppets g")
    carry(said("rich !a", "Is the water safe?", "q"))
    arrived("puppets", "copy of q")
    carry(said("puppets g", "Boil it.", "r", "ben", in_reply_to="copy of q"))
    assert waiting("rich")[0]["target"] == "q"


def test_pictures_go_along_where_they_can_and_are_named_where_they_cannot() -> None:
    join("rich !a", "plain #b", "rich !c")
    picture = Attachment("flood.jpg", "image/jpeg", b"\xff\xd8\xff", "https://example.org/flood.jpg")
    carry(said("rich !a", "look", attachments=(picture,)))
    (body,) = waiting("rich")
    assert [each["name"] for each in body["files"]] == ["flood.jpg"]  # type: ignore[attr-defined]
    assert texts("plain") == [
        "Anna (Rich): look\n[flood.jpg, which cannot be shown here] https://example.org/flood.jpg"
    ]


def test_a_name_cannot_pass_for_several_lines_or_for_markup() -> None:
    join("plain #b", "rich !a")
    carry(said("plain #b", "<b>hi</b>", sender_name="Eve\nAdmin (Rich): <script>"))
    (body,) = waiting("rich")
    assert body["text"] == "Eve Admin (Rich): <script> (Plain): <b>hi</b>"
    assert "<script>" not in str(body["html"])
    assert "&lt;b&gt;hi" in str(body["html"])


def test_who_asks_whether_a_rumour_is_true_is_not_made_to_say_the_rumour() -> None:
    join("rich !a", "plain #b")
    carry(said("rich !a", "Garlic cures it", "m1", said="is this true?", mentioned=True))
    assert carry(said("rich !a", "Garlic cures it", "m2", said="", mentioned=True)) == []
    assert texts("plain") == ["Anna (Rich): is this true?"]


def test_a_gap_is_told_in_every_room_of_the_route() -> None:
    join("plain #b", "rich !a")
    now = clock.now()
    actions.do_tell_gap(Gap("plain", "#b", now, now))
    assert len(texts("plain")) == len(texts("rich")) == 1
    assert "Plain" in str(texts("rich")[0])


def test_joining_and_leaving_are_told_in_every_room() -> None:
    actions.do_follow_settings({"members": {"lang": "en", "rooms": ["rich !a"]}})
    actions.do_follow_settings({"members": {"lang": "en", "rooms": ["rich !a", "plain #b"]}})
    assert any("has joined" in str(text) for text in texts("rich"))
    actions.do_follow_settings({"members": {"lang": "en", "rooms": ["rich !a"]}})
    assert any("has left" in str(text) for text in texts("rich"))
    assert legs() == 1


def test_a_room_joins_by_the_routes_word_said_to_us_there() -> None:
    route = join("rich !a")
    assert actions.do_join_by_word(said("plain #b", f"join {route.word}", mentioned=True))
    assert actions.do_join_by_word(said("plain #c", f"join {route.word}")) is None
    assert actions.do_join_by_word(said("plain #c", "join 00000000", mentioned=True)) is None
    assert legs() == 2


def test_who_is_forgotten_leaves_no_words_behind() -> None:
    join("rich !a", "plain #b")
    carry(said("rich !a", "mine", sender="anna"))
    carry(said("rich !a", "others'", "m2", sender="ben"))
    contacts.do_forget("rich", "anna")
    assert actions.do_forget() == 1
    assert texts("plain") == ["Ben (Rich): others'"]
    assert [each.gist for each in Carried.objects.all()] == ["others'"]


# --- changes -----------------------------------------------------------------------------------------------------------


def test_an_edit_a_reaction_and_a_deletion_reach_the_copy() -> None:
    join("rich !a", "puppets g")
    carry(said("rich !a", "gas at 5%", "q"))
    carry(done("rich !a", "edit", "q", "gas at 50%", message_id="c1"))
    carry(done("rich !a", "react", "q", "👍", sender="ben", message_id="c2"))
    carry(done("rich !a", "unreact", "q", "👍", sender="ben", message_id="c3"))
    carry(done("rich !a", "delete", "q", message_id="c4"))
    deeds = [(body["deed"], body.get("text", "")) for body in waiting("puppets")[1:]]
    assert deeds == [("edit", "gas at 50%"), ("react", "👍"), ("unreact", "👍"), ("delete", "")]


def test_a_platform_that_cannot_do_it_is_told_in_words() -> None:
    join("rich !a", "plain #b")
    carry(said("rich !a", "gas at 5%", "q"))
    carry(done("rich !a", "edit", "q", "gas at 50%", message_id="c1"))
    carry(done("rich !a", "react", "q", "👍", sender="ben", message_id="c2"))
    carry(done("rich !a", "unreact", "q", "👍", sender="ben", message_id="c3"))
    carry(done("rich !a", "delete", "q", message_id="c4"))
    assert texts("plain")[1:] == [
        "Anna (Rich) changed “gas at 5%” to: gas at 50%",
        "Ben (Rich) reacted to “gas at 5%” with 👍",
        "Anna (Rich) took back: “gas at 5%”",
    ]


def test_only_the_writer_may_edit_even_when_an_id_is_used_again() -> None:
    join("rich !a", "puppets g")
    carry(said("rich !a", "gas at 5%", "q", sender="anna"))
    assert carry(done("rich !a", "edit", "q", "gas at 0%", sender="eve")) == []
    assert carry(said("rich !a", "gas at 0%", "q", sender="eve")) == []
    assert texts("puppets") == ["gas at 5%"]


def test_who_looks_after_a_room_may_remove_where_the_platform_says_so_but_never_edit() -> None:
    join("rich !a", "puppets g")
    carry(said("rich !a", "spam", "q", sender="eve"))
    assert carry(done("rich !a", "delete", "q", sender="mod", message_id="c1")) == []
    assert carry(done("rich !a", "edit", "q", "x", sender="mod", message_id="c2", entitled=True)) == []
    assert carry(done("rich !a", "delete", "q", sender="mod", message_id="c3", entitled=True))


def test_removing_our_copy_in_one_room_leaves_the_message_elsewhere() -> None:
    join("rich !a", "puppets g", "plain #b")
    carry(said("rich !a", "stays", "q"))
    arrived("puppets", "copy")
    assert carry(done("puppets g", "delete", "copy", sender="mod", entitled=True)) == []


def test_a_reaction_to_our_copy_goes_to_the_original_and_to_every_other_copy() -> None:
    join("rich !a", "puppets g", "rich !c")
    carry(said("rich !a", "q", "q"))
    arrived("puppets", "copy")
    carry(done("puppets g", "react", "copy", "👍", sender="ben"))
    bodies = [body for body in waiting("rich") if body.get("deed") == "react"]
    assert sorted("target" if "target" in body else "refers" for body in bodies) == ["refers", "target"]


def test_thirty_days_later_an_edit_still_finds_its_copy() -> None:
    join("rich !a", "puppets g")
    carry(said("rich !a", "old", "q"))
    arrived("puppets", "copy")
    with clock.held(clock.ahead(days=30)):
        actions.do_tidy()
        assert carry(done("rich !a", "edit", "q", "new"))
    assert waiting("puppets")[-1]["deed"] == "edit"


def test_an_edit_of_a_message_from_before_our_time_is_told_in_words() -> None:
    join("rich !a", "puppets g")
    carry(done("rich !a", "edit", "unknown", "gas at 50%"))
    assert texts("puppets") == ["Anna (Rich) changed “…” to: gas at 50%"]


def test_a_mark_names_the_same_room_everywhere_and_no_two_rooms() -> None:
    assert rules.mark("irc", "#water") == rules.mark("irc", "#water") != rules.mark("xmpp", "#water")
