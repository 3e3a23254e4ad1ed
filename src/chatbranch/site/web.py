"""The web process: pages, API and event streams, through uvicorn."""

from __future__ import annotations

import os
import threading
import time

WARM_AFTER = 1.0  # seconds after loading: the pages answer first, and the first reader is still typing


def main() -> None:
    """Serve until told to stop."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbranch.site.settings")
    import warnings

    import uvicorn
    from django.conf import settings

    # WhiteNoise hands static files on as plain iterators; small files, read in a thread: nothing to warn of
    warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
    threading.Thread(target=_warm, daemon=True).start()
    uvicorn.run(
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


def _warm() -> None:
    """Load the search index and the sentence encoder, so that the first question does not wait for them."""
    from django.apps import apps

    while not apps.ready:
        time.sleep(WARM_AFTER / 5)
    time.sleep(WARM_AFTER)
    from chatbranch.matching.queries import match_text

    match_text("one sentence to warm up with")


if __name__ == "__main__":
    main()
