"""What is done about posts under complaint. `check_` may refuse, `do_` writes: one transaction each, its entries in the public log
included.

In the order of a matter's way: complaining.py, screening.py, answering.py (the outlet), drawing.py and judging.py (the panel),
keeping.py (the clock), patterns.py; the code of conduct itself: code.py.
"""

from __future__ import annotations

from chatbranch.conduct.answering import do_appeal, do_correct, do_extend, do_mask, do_reply
from chatbranch.conduct.code import do_publish_edition
from chatbranch.conduct.complaining import Complainant, Complained, Post, do_complain, do_forget, do_tidy
from chatbranch.conduct.judging import do_approve, do_state, do_step_aside, do_vote
from chatbranch.conduct.keeping import do_keep_up
from chatbranch.conduct.patterns import do_open_patterns
from chatbranch.conduct.screening import (
    do_add_evidence,
    do_ask,
    do_let_go,
    do_open,
    do_screen,
    do_take_up_again,
)

SCRUBBED = ("conduct_complaint", "conduct_pace")
"""Tables of which no copy is left in the database's files after somebody was forgotten."""

__all__ = [
    "SCRUBBED",
    "Complainant",
    "Complained",
    "Post",
    "do_add_evidence",
    "do_appeal",
    "do_approve",
    "do_ask",
    "do_complain",
    "do_correct",
    "do_extend",
    "do_forget",
    "do_keep_up",
    "do_let_go",
    "do_mask",
    "do_open",
    "do_open_patterns",
    "do_publish_edition",
    "do_reply",
    "do_screen",
    "do_state",
    "do_step_aside",
    "do_take_up_again",
    "do_tidy",
    "do_vote",
]
