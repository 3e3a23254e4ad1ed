"""Writing the log. Append, sign, publish, give effect, in this order: each step can be repeated after a crash, and none can be done in two ways."""

from __future__ import annotations

from chatbranch.journal.queries import last_seq
from chatbranch.publiclog.appending import Draft, do_append
from chatbranch.publiclog.effect import do_give_effect
from chatbranch.publiclog.following import do_follow
from chatbranch.publiclog.forgetting import SCRUBBED, do_erase, do_forget
from chatbranch.publiclog.models import size
from chatbranch.publiclog.publishing import do_publish
from chatbranch.publiclog.requesting import do_note_request
from chatbranch.publiclog.restoring import do_catch_up
from chatbranch.publiclog.rotating import do_replace_lost_key, do_rotate_key
from chatbranch.publiclog.witnessing import do_ask_witnesses

__all__ = [
    "SCRUBBED",
    "Draft",
    "KeepUp",
    "do_append",
    "do_ask_witnesses",
    "do_catch_up",
    "do_erase",
    "do_follow",
    "do_forget",
    "do_give_effect",
    "do_keep_up",
    "do_note_request",
    "do_publish",
    "do_replace_lost_key",
    "do_rotate_key",
]


class KeepUp:
    """do_keep_up for whoever asks often: while neither the journal nor the log has grown, there is nothing to look into."""

    def __init__(self) -> None:
        self._quiet_at: tuple[int, int] | None = None

    def __call__(self) -> bool:
        """Whether there was anything."""
        grown = (last_seq(), size())
        if grown == self._quiet_at:
            return False
        busy = do_keep_up()
        self._quiet_at = None if busy else grown
        return busy


def do_keep_up() -> bool:
    """Log what happened since the last time, publish it, and give effect to what can be proved now; whether there was anything."""
    followed = do_follow()
    published = do_publish()
    return do_give_effect() or published or followed
