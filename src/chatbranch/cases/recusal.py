"""Who does not decide on a case: members of an outlet that is party to it, and whoever declared an interest it speaks of."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from chatbranch.branch import queries as branch
from chatbranch.branch.rules import owner_key, speaks_of
from chatbranch.cases.models import Case


def recusals(case: Case, members: Iterable[UUID]) -> dict[UUID, str]:
    """member -> why they are recused; whoever is missing may decide. `why` is the reason as it was declared."""
    asked = list(members)
    declared = case.parties.filter(undone_at=None).values_list("outlet__owner", "why")
    parties = {owner_key(owner): why for owner, why in declared}
    found = {
        member: parties[standing.outlet]
        for member, standing in branch.standings(asked).items()
        if standing.outlet in parties
    }
    spoken = "\n".join([*case.variants.values_list("text", flat=True)[:20]])
    for member, matters in branch.interests_of(asked).items():
        matter = next((each for each in matters if speaks_of(spoken, each)), "")
        if matter:
            found.setdefault(member, matter)
    return found
