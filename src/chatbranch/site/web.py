"""The web process: pages, API and event streams, through uvicorn."""

from __future__ import annotations

import os


def main() -> None:
    """Serve until told to stop."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbranch.site.settings")
    import warnings

    import uvicorn
    from django.conf import settings

    # WhiteNoise hands static files on as plain iterators; small files, read in a thread: nothing to warn of
    warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
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


if __name__ == "__main__":
    main()
