"""What every page knows."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import get_language

from chatbranch.branch import queries as branch
from chatbranch.kernel.phrases import as_lang, pick


def page(request: HttpRequest) -> dict[str, object]:
    """The branch's name as the reader writes it, and the reader's language."""
    lang = as_lang(get_language())
    name = branch.branch_name() or "chatbranch"  # until it is founded
    return {"branch_name": pick({"zh-Hans": name}, lang), "lang": lang}
