"""What every page knows."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import get_language

from chatbranch.branch import queries as branch
from chatbranch.kernel.phrases import as_lang


def page(request: HttpRequest) -> dict[str, object]:
    """The branch's name, and the reader's language."""
    return {"branch_name": branch.branch_name(), "lang": as_lang(get_language())}
