"""Writing the log. Append, sign, publish, give effect, in this order: each step can be repeated after a crash, and none can be done in two ways."""

from __future__ import annotations

from chatbranch.publiclog.appending import Draft, do_append
from chatbranch.publiclog.effect import do_give_effect
from chatbranch.publiclog.following import do_follow
from chatbranch.publiclog.forgetting import SCRUBBED, do_erase, do_forget
from chatbranch.publiclog.publishing import do_publish
from chatbranch.publiclog.requesting import do_note_request
from chatbranch.publiclog.restoring import do_catch_up
from chatbranch.publiclog.rotating import do_replace_lost_key, do_rotate_key
from chatbranch.publiclog.witnessing import do_ask_witnesses

__all__ = [
    "SCRUBBED",
    "Draft",
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


def do_keep_up() -> bool:
    """Log what happened since the last time, publish it, and give effect to what can be proved now; whether there was anything."""
    followed = do_follow()
    published = do_publish()
    return do_give_effect() or published or followed
