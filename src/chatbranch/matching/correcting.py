"""A member corrects a match: one word, in one transaction, and what follows from it once two outlets say the same."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from chatbranch.branch import queries as branch
from chatbranch.branch.models import Member
from chatbranch.claims import actions as claims
from chatbranch.claims import queries as library
from chatbranch.claims.rules import LONGEST_WORDING
from chatbranch.journal.actions import do_record, take_turn
from chatbranch.kernel.chunks import in_chunks
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase
from chatbranch.kernel.text import clean, language, normalise
from chatbranch.matching.agreement import NOT_SAME, NOTHING, SAME, SAYS
from chatbranch.matching.corrections import agreed_on, last_words
from chatbranch.matching.grouping import fingerprint
from chatbranch.matching.models import Correction

LONGEST_NOTE = 500  # characters
TAUGHT, AGREED, APART = "taught", "agreed", "apart"


@dataclass(frozen=True)
class Seen:
    """A match as a member sees it: the message, and what was made of it.

    fingerprint: of the whole message; of a longer one than is kept, `text` is only the beginning. found: the claim it was
    matched to, if any.
    """

    fingerprint: str
    text: str
    outcome: str
    found: UUID | None = None
    fitted: str = ""

    @property
    def whole(self) -> bool:
        """Whether the text is the whole message."""
        return bool(normalise(self.text).text) and fingerprint(self.text) == self.fingerprint


@dataclass(frozen=True)
class Corrected:
    """The word that was taken, and what came of it: TAUGHT (the claim learnt the wording), AGREED (two outlets say the
    same, and the text cannot be a wording), APART (the claim is no answer to the message any more), or nothing yet."""

    correction: Correction
    came: str = ""


def do_correct(
    actor: Member, seen: Seen, says: str, claim_id: UUID | None = None, *, note: str = "", keep: bool = False
) -> Corrected:
    """Take a member's word on a match. says: as in agreement.Word; `claim_id` is the claim it speaks of.

    keep: the member says that the text names nobody private and may be kept to learn from. Records "match.corrected".
    Refuses a claim that is not there, and whoever has declared an interest the message speaks of.
    """
    said = _check(actor, seen, says, claim_id)
    with transaction.atomic():
        take_turn()  # two words that arrive together are counted one after the other
        kept = seen.text if seen.whole else ""
        row = Correction.objects.create(
            fingerprint=seen.fingerprint,
            text=kept,
            keep=keep and bool(kept),
            outcome=seen.outcome,
            found_id=seen.found,
            fitted=seen.fitted,
            says=says,
            claim_id=said,
            note=clean(note).strip()[:LONGEST_NOTE],
            by=actor,
        )
        came = _follow(seen, row)
        do_record(
            "match.corrected",
            row.id,
            says=says,
            claim=str(said or ""),
            found=str(seen.found or ""),
            by=str(actor.pk),
            came=came,
        )
    return Corrected(row, came)


def _check(actor: Member, seen: Seen, says: str, claim_id: UUID | None) -> UUID | None:
    """The claim the word speaks of."""
    if says not in SAYS:
        raise ValueError(f"a correction says one of {SAYS}, not {says}")
    matter = branch.interest_in(actor, seen.text)
    if matter:
        raise Refused("party", _INTEREST, status=403, why=matter)
    if says == NOTHING:
        return None
    said = claim_id or seen.found
    if said is None or not library.known_since([said]):
        raise no_such_claim()
    return said


def _follow(seen: Seen, row: Correction) -> str:
    """Teach, or say that the message is apart from the claim now."""
    words = last_words([seen.fingerprint]).get(seen.fingerprint, [])
    amount = agreed_on(words)
    if row.says == SAME and amount.learns(str(row.claim_id)):
        return TAUGHT if _teach(seen, row) else AGREED
    denied = row.claim_id if row.says == NOT_SAME else row.found_id
    return APART if denied and amount.is_apart(str(denied)) else ""


def _teach(seen: Seen, row: Correction) -> bool:
    """The claim learns the message as a wording, unless it is an article, or not whole."""
    assert row.claim_id is not None
    if not seen.whole or len(seen.text) > LONGEST_WORDING:
        return False
    claims.do_learn_wording(row.claim_id, language(seen.text), seen.text)
    return True


def do_let_go(fingerprints: Collection[str]) -> None:
    """Empty the text of corrections of these messages, which nothing holds any more; one that a member keeps stays."""
    with transaction.atomic():
        for chunk in in_chunks(list(fingerprints)):
            Correction.objects.filter(fingerprint__in=chunk, keep=False).exclude(text="").update(text="")


def said_of(came: str) -> Phrase:
    """What came of a correction, for whoever made it."""
    return _CAME[came]


_CAME = {
    "": Phrase(
        "记下了。再有另一个账号的成员这样看，以后的回答才会改变。",
        "Noted. Later answers change once a member of another outlet says so too.",
    ),
    TAUGHT: Phrase(
        "记下了。两个账号都这样看：这条消息成了那条的一种说法，下次转来就认得。",
        "Noted. Two outlets say so: the message is a wording of that claim now, and the next one is recognised.",
    ),
    AGREED: Phrase(
        "记下了。两个账号都这样看；这条太长或不完整，不收作说法，但会用来检验比对。",
        "Noted. Two outlets say so; it is too long or not whole, so no wording, but matching is checked by it.",
    ),
    APART: Phrase(
        "记下了。两个账号都这样看：同样的消息不再自动用那一条回答。",
        "Noted. Two outlets say so: the same message is not answered with that claim any more.",
    ),
}
_INTEREST = Phrase(
    "您与这条消息有关（{why}），由别的成员来订正。",
    "You have an interest in this message ({why}); other members correct it.",
)


def no_such_claim() -> Refused:
    """Whoever corrects named no claim of the library."""
    return Refused("no-such-claim", _NO_SUCH_CLAIM, field="at")


_NO_SUCH_CLAIM = Phrase(
    "没有认出是哪一条。请选一条，或贴上查证库里那一条的网址。",
    "It is not clear which claim you mean. Please choose one, or paste the address of its page.",
)
