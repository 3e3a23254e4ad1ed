"""The days that are no working days here, as the branch's settings name them."""

from __future__ import annotations

from datetime import date

from django.conf import settings


def holidays() -> frozenset[date]:
    """The setting `holidays`."""
    return frozenset(
        date.fromisoformat(each.strip()) for each in settings.CONFIG.holidays.split(",") if each.strip()
    )
