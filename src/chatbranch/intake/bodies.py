"""What a submission holds until it is answered: sealed with the keys, and opened by whoever answers it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from chatbranch.intake import sealing
from chatbranch.intake.models import Submission


@dataclass(frozen=True)
class Body:
    """What a submission holds, once unsealed.

    writer: who wrote it in a room (floods.writer); empty in a conversation of two. sender: who wrote it, as the platform
    names them; empty where it does not. from_network: it came over HTTP from somebody not signed in.
    """

    address: str
    text: str
    lang: str
    reply_to: str = ""
    images: tuple[str, ...] = ()
    email: str = ""
    writer: str = ""
    from_network: bool = False
    sender: str = ""

    @property
    def direct(self) -> bool:
        """Whether it was said one to one."""
        return not self.writer


def seal_body(body: Body, replay: str) -> bytes:
    """The body as its submission keeps it; bound to the submission's `replay`."""
    return sealing.seal(json.dumps(vars(body), ensure_ascii=False).encode(), replay)


def open_body(submission: Submission) -> Body:
    """What the submission holds. Raises cryptography's InvalidTag where it was sealed with another key."""
    values = json.loads(sealing.unseal(bytes(submission.sealed), submission.replay))
    return Body(**{**values, "images": tuple(values["images"])})
