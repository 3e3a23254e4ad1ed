"""Verdicts to publish, and a subscriber that listens."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from chatbranch.claims import queries
from chatbranch.claims.actions import do_publish
from chatbranch.claims.cards import ClaimCard
from chatbranch.claims.tests.test_actions import SOURCE, published
from chatbranch.publishing.calling import Caller

ANYWHERE = Caller(allow=lambda address: True)
"""Calls subscribers on this machine, too."""


def card(rating: str = "false", **changes: object) -> ClaimCard:
    """A verdict of ours, as its card."""
    found = queries.claim_card(published(rating=rating, **changes).claim_id)
    assert found is not None
    return found


def changed(claim_id: UUID, rating: str = "mostly-true") -> ClaimCard:
    """The claim after its verdict was changed."""
    do_publish(
        claim_id=claim_id,
        wordings={},
        rating=rating,
        as_of=date(2026, 3, 2),
        sources=[SOURCE],
        reason={"zh-Hans": "有了新证据。", "en": "There is new evidence."},
    )
    found = queries.claim_card(claim_id)
    assert found is not None
    return found


@dataclass
class Subscriber:
    """Who answers at a callback. posts: (headers, body) of what it was told. answers: what it answers with, in turn; then 204."""

    url: str = ""
    means_it: bool = True
    asked: list[dict[str, str]] = field(default_factory=list)
    posts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    before_answering: Callable[[], None] = lambda: None

    @property
    def tags(self) -> list[str]:
        """The tags of what it was told, in order."""
        return [headers["etag"] for headers, _ in self.posts]

    def wait_for(self, posts: int, seconds: float = 20) -> None:
        """Until it was told so often."""
        end = time.monotonic() + seconds
        while len(self.posts) < posts and time.monotonic() < end:
            time.sleep(0.02)
        assert len(self.posts) >= posts, f"told {len(self.posts)} times"


@contextmanager
def listening() -> Iterator[Subscriber]:
    """A real subscriber, on a port of this machine."""
    subscriber = Subscriber()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            subscriber.asked.append(asked)
            self._say(200 if subscriber.means_it else 404, asked.get("hub.challenge", "").encode())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            subscriber.posts.append(({name.lower(): value for name, value in self.headers.items()}, body))
            subscriber.before_answering()
            self._say(subscriber.answers.pop(0) if subscriber.answers else 204, b"")

        def _say(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: what a test needs to know stands in the subscriber."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    subscriber.url = f"http://127.0.0.1:{server.server_port}/callback?mine=1"
    threading.Thread(target=server.serve_forever, args=[0.05], daemon=True).start()
    try:
        yield subscriber
    finally:
        server.shutdown()
        server.server_close()
