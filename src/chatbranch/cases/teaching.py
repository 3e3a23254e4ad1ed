"""What a claim learns from a case: the wordings in which it was forwarded, so that the next forward is recognised."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from chatbranch.cases.models import Case
from chatbranch.claims import actions as claims
from chatbranch.claims.rules import LONGEST_WORDING
from chatbranch.kernel.text import language, normalise
from chatbranch.matching import guard

_MOST = 20  # variants of one case, those sent most often first


def teach(claim_id: UUID, case: Case, said: Sequence[str]) -> None:
    """What was forwarded becomes wordings of the claim, in the caller's transaction; altered versions do not.

    said: the claim as the members who decided worded it.
    """
    for variant in case.variants.order_by("-count", "first_at")[:_MOST]:
        if len(variant.text) > LONGEST_WORDING or not normalise(variant.text).text:
            continue  # an article, or nothing but a link or a picture, is no wording
        if not guard.inspect(variant.text, None, said).conflict:
            claims.do_learn_wording(claim_id, language(variant.text), variant.text)
