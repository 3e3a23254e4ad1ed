"""What is done with a case, as the other slices may call it. `check_` may refuse, `do_` writes: one transaction each.

Asking and joining: asking.py. Looking into it: discussing.py, parties.py. Ending it: proposing.py, deciding.py, closing.py,
merging.py, correcting.py. Afterwards: objecting.py.
"""

from __future__ import annotations

from chatbranch.cases.asking import (
    Arrival,
    Joined,
    all_pseudonyms,
    do_also_tell,
    do_forget,
    do_note_heard,
    do_note_told,
    do_open_or_join,
    do_rekey,
)
from chatbranch.cases.checks import check_desk_open, check_not_party, check_open
from chatbranch.cases.closing import do_close, do_close_unread, do_link_to_claim, do_reopen
from chatbranch.cases.correcting import do_correct_match
from chatbranch.cases.deciding import do_rate, do_weigh
from chatbranch.cases.digests import (
    do_connect_digest,
    do_end_digest,
    do_prepare_digest,
    do_send_digests,
    do_send_notices,
)
from chatbranch.cases.discussing import do_add_evidence, do_comment, do_mark_urgent, do_take_duty
from chatbranch.cases.files import keep as do_keep_file
from chatbranch.cases.files import sweep as do_sweep_files
from chatbranch.cases.grouping import Shape, shape_of, shape_of_thing
from chatbranch.cases.merging import do_merge, do_split
from chatbranch.cases.models import Case
from chatbranch.cases.objecting import do_answer_objection, do_object
from chatbranch.cases.parties import do_answer_party, do_declare_party, do_undo_party
from chatbranch.cases.proposing import SourceRow, do_propose_note
from chatbranch.cases.rating_links import do_make_rating_link, do_rate_by_link, do_tidy_links

OPEN = Case.State.OPEN

__all__ = [
    "OPEN",
    "Arrival",
    "Joined",
    "Shape",
    "SourceRow",
    "all_pseudonyms",
    "check_desk_open",
    "check_not_party",
    "check_open",
    "do_add_evidence",
    "do_also_tell",
    "do_answer_objection",
    "do_answer_party",
    "do_close",
    "do_close_unread",
    "do_comment",
    "do_connect_digest",
    "do_correct_match",
    "do_declare_party",
    "do_end_digest",
    "do_forget",
    "do_keep_file",
    "do_link_to_claim",
    "do_make_rating_link",
    "do_mark_urgent",
    "do_merge",
    "do_note_heard",
    "do_note_told",
    "do_object",
    "do_open_or_join",
    "do_prepare_digest",
    "do_propose_note",
    "do_rate",
    "do_rate_by_link",
    "do_rekey",
    "do_reopen",
    "do_send_digests",
    "do_send_notices",
    "do_split",
    "do_sweep_files",
    "do_take_duty",
    "do_tidy_links",
    "do_undo_party",
    "do_weigh",
    "shape_of",
    "shape_of_thing",
]
