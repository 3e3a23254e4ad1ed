"""What other parts of the house may do with conversations over several platforms."""

from __future__ import annotations

from chatbranch.relay.carrying import (
    Brought,
    Went,
    do_carry,
    do_forget,
    do_keep_files,
    do_tell_gap,
    do_tidy,
)
from chatbranch.relay.routes import (
    do_end_route,
    do_follow_settings,
    do_join,
    do_join_by_word,
    do_make_route,
    do_part,
)

__all__ = [
    "SCRUBBED",
    "Brought",
    "Went",
    "do_carry",
    "do_end_route",
    "do_follow_settings",
    "do_forget",
    "do_join",
    "do_join_by_word",
    "do_keep_files",
    "do_make_route",
    "do_part",
    "do_tell_gap",
    "do_tidy",
]

SCRUBBED = ("relay_carried",)
"""Tables of which no copy is left in the database's files after somebody was forgotten."""
