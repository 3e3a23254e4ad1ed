"""The web process's entry: Django's pages, and beside them what streams (plain ASGI)."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbranch.site.settings")

from django.core.asgi import get_asgi_application  # noqa: E402 (settings first)

application = get_asgi_application()
