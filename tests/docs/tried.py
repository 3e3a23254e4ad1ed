"""How each ability that a connector announces was tried: against what, and in which test.

The table in docs/reference/connectors.md is written from this, and a test holds it to what the connectors announce and to
the tests that there are.
"""

from __future__ import annotations

from dataclasses import dataclass

CONTRACT, SERVERS = "tests/contract", "tests/servers"


@dataclass(frozen=True)
class Tried:
    """against: the server, as people call it. file, test: where."""

    against: str
    file: str
    test: str


def _in(against: str, file: str, **tests: str) -> dict[str, Tried]:
    return {ability: Tried(against, file, f"test_{test}") for ability, test in tests.items()}


_IRC = f"{CONTRACT}/test_irc_server.py"
_MATRIX, _ROOMS = f"{CONTRACT}/test_matrix_server.py", f"{CONTRACT}/test_matrix_rooms.py"
_TELEGRAM = f"{CONTRACT}/test_telegram_server.py"
_XMPP = f"{CONTRACT}/test_xmpp_server.py"
_WECHAT = f"{CONTRACT}/test_wechat_server.py"
_FAKE_API, _FAKE_WECHAT = "Bot API fake", "WeChat fake"

TRIED: dict[str, dict[str, Tried]] = {
    "irc": {
        **_in(
            "ngIRCd",
            _IRC,
            receives="what_is_said_in_the_channel_comes_in_and_only_calls_are_marked",
            sends="a_long_text_arrives_whole_in_lines_that_nobody_cuts",
            direct="a_forwarded_text_of_several_lines_is_one_message_and_its_answer_comes_back",
        ),
        **_in(
            "ngIRCd",
            f"{SERVERS}/test_one_conversation.py",
            rooms="what_is_said_replied_and_corrected_on_one_side_is_heard_on_the_other",
        ),
    },
    "mail": {
        **_in(
            "pymap",
            f"{CONTRACT}/test_mail_mailbox.py",
            receives="a_mail_with_its_picture_comes_in_and_its_answer_joins_the_thread",
            direct="a_mail_with_its_picture_comes_in_and_its_answer_joins_the_thread",
            attachments="a_mail_with_its_picture_comes_in_and_its_answer_joins_the_thread",
            files="a_mail_with_its_picture_comes_in_and_its_answer_joins_the_thread",
            replies="a_mail_with_its_picture_comes_in_and_its_answer_joins_the_thread",
            replays="ten_mails_that_came_while_we_were_away_are_all_taken_in_order",
        ),
        **_in(
            "aiosmtpd",
            f"{CONTRACT}/test_mail_server.py",
            sends="a_letter_arrives_in_text_and_html_with_nothing_executed",
            html="a_letter_arrives_in_text_and_html_with_nothing_executed",
        ),
    },
    "matrix": {
        **_in(
            "Synapse",
            _MATRIX,
            receives="what_a_person_says_in_private_comes_in_whole_with_nothing_else",
            sends="a_repeated_key_is_said_once_even_by_a_new_process",
            direct="what_a_person_says_in_private_comes_in_whole_with_nothing_else",
            html="a_repeated_key_is_said_once_even_by_a_new_process",
            attachments="a_picture_comes_in_whole_and_a_huge_one_as_just_too_large",
            replays="a_burst_of_200_is_read_as_200_in_order",
            idempotent="a_repeated_key_is_said_once_even_by_a_new_process",
        ),
        **_in(
            "Synapse",
            _ROOMS,
            rooms="everything_said_in_a_room_comes_in_with_who_said_it_and_what_it_belongs_to",
            files="files_go_out_under_the_words_and_all_go_with_them",
            replies="what_is_carried_here_stands_where_it_belongs",
            threads="what_is_carried_here_stands_where_it_belongs",
            edits="edits_deletions_and_reactions_go_out_and_may_be_repeated",
            deletes="edits_deletions_and_reactions_go_out_and_may_be_repeated",
            reacts="edits_deletions_and_reactions_go_out_and_may_be_repeated",
            types="typing_is_shown",
        ),
    },
    "telegram": {
        **_in(
            "telegram-test-api",
            _TELEGRAM,
            receives="another_server_s_private_chat_is_heard_and_answered_and_ten_of_ten_wait_for_us",
            sends="another_server_s_private_chat_is_heard_and_answered_and_ten_of_ten_wait_for_us",
            direct="another_server_s_private_chat_is_heard_and_answered_and_ten_of_ten_wait_for_us",
            replays="another_server_s_private_chat_is_heard_and_answered_and_ten_of_ten_wait_for_us",
        ),
        **_in(
            _FAKE_API,
            _TELEGRAM,
            rooms="in_a_group_everything_comes_in_and_calls_are_marked",
            attachments="pictures_files_and_voice_come_in",
            files="pictures_and_files_go_out_with_their_words",
            replies="a_thread_is_known_by_its_first_message_and_joined_by_a_reply_to_it",
            threads="a_thread_is_known_by_its_first_message_and_joined_by_a_reply_to_it",
            edits="our_words_are_edited_reacted_to_and_taken_back",
            deletes="our_words_are_edited_reacted_to_and_taken_back",
            reacts="our_words_are_edited_reacted_to_and_taken_back",
            types="our_words_are_edited_reacted_to_and_taken_back",
        ),
    },
    "web": {
        **_in(
            "our web process",
            f"{CONTRACT}/test_web_server.py",
            receives="a_question_is_taken_once_and_its_answer_arrives_on_the_stream",
            idempotent="a_reader_who_comes_back_is_given_what_they_have_not_seen",
            pulled="two_windows_of_one_reader_both_hear_and_nobody_else_does",
            webhook="another_site_cannot_speak_for_a_reader",
        ),
        **_in(
            "Chromium",
            "tests/browser/test_widget.py",
            sends="a_reader_asks_on_a_member_s_page_and_is_answered_there",
            direct="a_reader_asks_on_a_member_s_page_and_is_answered_there",
        ),
    },
    "wechat": {
        **_in(
            _FAKE_WECHAT,
            _WECHAT,
            receives="a_message_comes_in_once_and_is_acknowledged_in_every_mode",
            direct="an_answer_comes_in_the_response",
            attachments="a_picture_comes_in_by_its_address_or_else_from_the_account_s_media",
            webhook="unsigned_forged_old_replayed_and_oversized_requests_are_refused",
        ),
        **_in(
            _FAKE_WECHAT,
            f"{CONTRACT}/test_wechat_sending.py",
            sends="a_message_is_sent_and_counts_on_the_reader_s_allowance",
            files="pictures_are_sent_and_other_files_are_named",
        ),
    },
    "xmpp": _in(
        "Prosody",
        _XMPP,
        receives="what_is_said_in_a_room_comes_in_whole_with_who_said_it",
        sends="what_we_say_in_a_room_is_heard_and_never_comes_back_to_us",
        direct="a_private_conversation_goes_both_ways",
        rooms="what_is_said_in_a_room_comes_in_whole_with_who_said_it",
        attachments="pictures_come_in_and_go_out",
        files="pictures_come_in_and_go_out",
        replies="replies_keep_their_link_and_lose_the_quotation",
        threads="threads_are_named_by_the_message_they_began_with",
        edits="our_own_messages_are_corrected_and_retracted_also_after_a_restart",
        deletes="our_own_messages_are_corrected_and_retracted_also_after_a_restart",
        reacts="our_own_reactions_add_up",
        types="typing_is_shown",
        replays="what_was_said_while_we_were_away_comes_in_when_we_are_back",
        idempotent="killed_between_sending_and_the_receipt_nothing_is_said_twice",
        in_order="200_messages_keep_their_order_both_ways",
    ),
}
