"""The web chat through the web process as it runs in life: readers are plain HTTP clients, streams are real."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import httpx
import pytest
from django.db import transaction

from chatbranch.contacts.actions import do_keep
from chatbranch.deliveries.actions import do_queue
from chatbranch.deliveries.models import Delivery
from chatbranch.intake.models import Submission
from chatbranch.kernel import ids
from tests.support.databases import Database
from tests.support.house import House, house, wait_for

pytestmark = pytest.mark.server


@pytest.fixture
def web(sqlite_database: Database) -> Iterator[House]:
    with house(sqlite_database) as running:
        running.start("web")
        yield running


class Browser:
    """One reader: a cookie jar, and same-origin headers as a browser sends them."""

    def __init__(self, web: House) -> None:
        self.url = f"{web.url}/connect/web"
        self.http = httpx.Client(timeout=60, headers={"Origin": web.url, "Accept-Language": "en"})

    @property
    def reader(self) -> str:
        return self.http.cookies["reader"]

    def say(self, text: str, id: str = "", **headers: str) -> httpx.Response:
        body = {"text": text, "id": id or str(ids.new_id())}
        return self.http.post(f"{self.url}/messages", json=body, headers=headers)

    @contextmanager
    def listening(self, **headers: str) -> Iterator[Queue[dict[str, Any]]]:
        """What the stream says, event by event, while the block runs."""
        heard: Queue[dict[str, Any]] = Queue()
        with self.http.stream("GET", f"{self.url}/stream", headers=headers) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            thread = threading.Thread(target=_listen, args=(response, heard), daemon=True)
            thread.start()
            yield heard


def _listen(response: httpx.Response, heard: Queue[dict[str, Any]]) -> None:
    try:
        for line in response.iter_lines():
            if line.startswith("data: "):
                heard.put(json.loads(line.removeprefix("data: ")))
    except (httpx.HTTPError, httpx.StreamError):
        return  # the block has ended, or the server has


def tell(reader: str, text: str) -> Delivery:
    """Queue a message to a reader, as an action does."""
    with transaction.atomic():
        pseudonym = do_keep("web", reader, ids.new_id(), "en")
        queued = do_queue(pseudonym=pseudonym, kind="verdict", text=text, once=str(ids.new_id()))
    assert queued is not None
    return queued


def test_a_question_is_taken_once_and_its_answer_arrives_on_the_stream(web: House) -> None:
    ann = Browser(web)
    with ann.listening() as heard:
        taken = ann.say("Drinking bleach cures the common cold in one night", "one")
        assert (taken.status_code, taken.json()) == (202, {"id": "one"})
        assert ann.say("Drinking bleach cures the common cold in one night", "one").status_code == 202
        answer = heard.get(timeout=60)
    assert answer["ours"] is True
    assert Submission.objects.count() == 1
    wait_for(lambda: Delivery.objects.get().state == "sent")


def test_a_reader_who_comes_back_is_given_what_they_have_not_seen(web: House) -> None:
    ann = Browser(web)
    with ann.listening() as heard:
        tell(ann.reader, "first")
        first = heard.get(timeout=30)
    second = tell(ann.reader, "second")
    with ann.listening(**{"Last-Event-ID": first["id"]}) as heard:
        assert heard.get(timeout=30)["text"] == "second"
        with pytest.raises(Empty):
            heard.get(timeout=1)
    with ann.listening() as heard:  # a reloaded page has seen nothing
        assert [heard.get(timeout=30)["text"] for _ in range(2)] == ["first", "second"]
    wait_for(lambda: Delivery.objects.get(pk=second.pk).state == "sent")


def test_who_comes_back_with_a_message_s_cursor_has_been_handed_it(web: House) -> None:
    ann = Browser(web)
    with ann.listening():
        pass
    unmarked = tell(ann.reader, "seen just as the process died")
    with ann.listening(**{"Last-Event-ID": str(unmarked.pk)}) as heard:
        wait_for(lambda: Delivery.objects.get(pk=unmarked.pk).state == "sent")
        assert heard.empty()


def test_two_windows_of_one_reader_both_hear_and_nobody_else_does(web: House) -> None:
    ann, ben = Browser(web), Browser(web)
    with ann.listening() as here, ann.listening() as there, ben.listening() as elsewhere:
        assert ann.reader != ben.reader
        tell(ann.reader, "<b>for ann</b>")
        assert here.get(timeout=30)["text"] == there.get(timeout=30)["text"] == "<b>for ann</b>"
        with pytest.raises(Empty):
            elsewhere.get(timeout=1)


def test_nothing_is_lost_when_the_web_process_is_killed(web: House) -> None:
    ann = Browser(web)
    with ann.listening():
        pass
    web.kill("web")
    tell(ann.reader, "while it was down")
    web.start("web")
    with ann.listening() as heard:
        assert heard.get(timeout=30)["text"] == "while it was down"


def test_another_site_cannot_speak_for_a_reader(web: House) -> None:
    ann = Browser(web)
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
    ):
        refused = ann.say("x", **headers)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "other-site")
    assert Submission.objects.count() == 0


def test_an_embedded_page_learns_whether_its_reader_is_known_and_may_keep_the_token_itself(
    web: House,
) -> None:
    ann = Browser(web)
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert ann.http.post(f"{ann.url}/reader?embed=1", headers=elsewhere).status_code == 403
    first = ann.http.post(f"{ann.url}/reader?embed=1")
    assert "SameSite=None; Secure; Partitioned" in first.headers["Set-Cookie"]
    token = first.json()["reader"]
    known = httpx.post(f"{ann.url}/reader?embed=1", headers={"Cookie": f"reader={token}", "Origin": web.url})
    assert (known.status_code, known.text) == (204, "")
    mine = {"Chatbranch-Reader": token, "Origin": web.url}
    assert (
        "Set-Cookie"
        not in httpx.post(f"{ann.url}/messages?embed=1&lang=en", json={"text": "1280"}, headers=mine).headers
    )
    tell(token, "for the one who keeps it")
    with httpx.stream("GET", f"{ann.url}/stream?embed=1", headers=mine, timeout=60) as heard:
        assert any(
            "for the one who keeps it" in line for line in heard.iter_lines() if line.startswith("data:")
        )


def test_refusals_are_said_in_the_reader_s_language(web: House) -> None:
    ann = Browser(web)
    empty = ann.say("   ")
    assert (empty.status_code, empty.json()["error"]["code"]) == (400, "empty")
    large = ann.say("字" * 600_000, **{"Accept-Language": "zh-CN"})
    assert (large.status_code, large.json()["error"]["message"][:3]) == (413, "太长了")
    wrong = ann.http.post(
        f"{ann.url}/messages", content=b"\xff\xfe", headers={"Content-Type": "application/json"}
    )
    assert wrong.status_code == 400
    assert ann.http.get(f"{ann.url}/messages").status_code == 405
    assert ann.http.get(f"{ann.url}/elsewhere").status_code == 404


def test_a_page_without_scripts_posts_a_form_and_is_led_back(web: House) -> None:
    ann = Browser(web)
    sent = ann.http.post(f"{ann.url}/messages", data={"text": "Drinking bleach cures the common cold"})
    assert (sent.status_code, sent.headers["location"]) == (303, "/chat/")
    assert Submission.objects.count() == 1


def test_one_reader_cannot_take_all_the_windows(web: House) -> None:
    ann = Browser(web)
    with ann.listening(), ann.listening(), ann.listening(), ann.listening(), ann.listening(), ann.listening():
        refused = ann.http.get(f"{ann.url}/stream")
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "60"


def test_a_hundred_waiting_readers_cost_no_thread_each(web: House) -> None:
    before = threads(web)
    streams = [Browser(web).listening() for _ in range(100)]
    for stream in streams:
        stream.__enter__()
    after = threads(web)
    for stream in streams:
        stream.__exit__(None, None, None)
    assert after - before < 20


def threads(web: House) -> int:
    tasks = Path(f"/proc/{web.pid('web')}/task")
    if not tasks.exists():
        pytest.skip("counting threads needs Linux's /proc")
    return len(list(tasks.iterdir()))


def test_the_pages_beside_it_are_django_s(web: House) -> None:
    assert httpx.get(f"{web.url}/connect/nobody/x", timeout=30).status_code == 404
    assert "<html" in httpx.get(f"{web.url}/", timeout=30).text
