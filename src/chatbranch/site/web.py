"""The web process: pages, API and event streams, through uvicorn. With `--greet` it says where the branch is as soon as
it answers, and with `--open` opens it in a browser."""

from __future__ import annotations

import os
import sys
import threading
import time

import uvicorn

WARM_AFTER = 1.0  # seconds after the first answer: the pages come first, and the first reader is still typing


def main(arguments: list[str]) -> None:
    """Serve until told to stop."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbranch.site.settings")
    import warnings

    from django.conf import settings

    # WhiteNoise hands static files on as plain iterators; small files, read in a thread: nothing to warn of
    warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
    server = uvicorn.Server(
        uvicorn.Config(
            "chatbranch.site.asgi:application",
            host=settings.CONFIG.host,
            port=settings.CONFIG.port,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # we read the proxy's headers ourselves, and only when told to (behind_proxy)
            timeout_graceful_shutdown=5,
        )
    )
    threading.Thread(target=_once_it_answers, args=[server, arguments], daemon=True).start()
    server.run()
    sys.exit(0 if server.started else 1)


def _once_it_answers(server: uvicorn.Server, arguments: list[str]) -> None:
    while not server.started:
        time.sleep(0.02)
    if "--greet" in arguments:
        from chatbranch.site.greeting import greet

        greet(browser="--open" in arguments)
    time.sleep(WARM_AFTER)
    _warm()


def _warm() -> None:
    """Load the search index and the sentence encoder, so that the first question does not wait for them."""
    from chatbranch.matching.queries import match_text

    match_text("one sentence to warm up with")


if __name__ == "__main__":
    main(sys.argv[1:])
