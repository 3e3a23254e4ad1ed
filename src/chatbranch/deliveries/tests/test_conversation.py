"""What a reader who fetches is shown: everything of the last day, or only what nobody was handed yet."""

from __future__ import annotations

import pytest
from django.db import transaction

from chatbranch.contacts.actions import do_keep
from chatbranch.deliveries.actions import do_handed_over, do_queue
from chatbranch.deliveries.queries import conversation
from chatbranch.kernel import ids

pytestmark = pytest.mark.usefixtures("either_database")


def tell(*texts: str) -> list[str]:
    """Queue messages to anna; their cursors, oldest first."""
    with transaction.atomic():
        pseudonym = do_keep("wechat", "anna", ids.new_id(), "zh-Hans")
        queued = [do_queue(pseudonym=pseudonym, kind="verdict", text=text, once=text) for text in texts]
    return [str(each.pk) for each in queued if each]


def shown(after: str) -> list[str]:
    return [each.text for each in conversation("wechat", "anna", after)]


def test_a_reloaded_page_sees_again_what_was_handed_over_and_a_chat_with_a_history_does_not() -> None:
    first, second, _ = tell("one", "two", "three")
    do_handed_over("wechat", "anna", second)
    assert shown("") == ["one", "two", "three"]
    assert shown("fresh") == ["one", "three"]
    assert shown(first) == ["two", "three"]
    assert shown(f"fresh:{first}") == ["three"]


def test_only_the_reader_it_was_for_can_have_a_message_counted_as_handed_over() -> None:
    (cursor,) = tell("one")
    assert do_handed_over("wechat", "ben", cursor) == 0
    assert do_handed_over("web", "anna", cursor) == 0
    assert do_handed_over("wechat", "anna", f"fresh:{cursor}") == 0
    assert do_handed_over("wechat", "anna", cursor) == 1


def test_a_broken_cursor_starts_from_the_beginning() -> None:
    (cursor,) = tell("one")
    do_handed_over("wechat", "anna", cursor)
    tell("two")
    assert shown("nonsense") == ["one", "two"]
    assert shown("fresh:nonsense") == ["two"]
    assert shown("stale:nonsense") == ["one", "two"]
