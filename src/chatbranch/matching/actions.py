"""Writing the index, which is derived from the library and can always be made anew from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings

from chatbranch.claims import queries as claims
from chatbranch.matching.agreement import NOT_SAME, NOTHING, SAME, choice_of
from chatbranch.matching.correcting import (
    AGREED,
    APART,
    TAUGHT,
    Corrected,
    Seen,
    do_correct,
    do_let_go,
    no_such_claim,
    said_of,
)
from chatbranch.matching.encoder import Encoder
from chatbranch.matching.index import is_built_with
from chatbranch.matching.index_writer import IndexBusy, IndexWriter
from chatbranch.matching.table import Wording

__all__ = [
    "AGREED",
    "APART",
    "NOTHING",
    "NOT_SAME",
    "SAME",
    "TAUGHT",
    "Corrected",
    "Seen",
    "choice_of",
    "do_correct",
    "do_index_new",
    "do_let_go",
    "do_reindex",
    "is_built",
    "no_such_claim",
    "said_of",
]

CHUNK = 2000


def do_index_new(most: int = CHUNK) -> int:
    """Add wordings published since the last commit, in one commit; returns how many. 0 also while another process indexes.

    An index of another version or encoder is not replaced by the first few: it is rebuilt whole.
    """
    directory = Path(settings.INDEX_DIR)
    if _up_to_date(directory):
        return 0
    try:
        with _writer(directory) as writer:
            if writer.replaces:
                return writer.rebuild(_all_wordings())
            rows = claims.wordings_after(writer.watermark, most=most)
            writer.add(Wording(str(row.claim_id), row.lang, row.text, row.seq) for row in rows)
            writer.commit()
    except IndexBusy:
        return 0
    return len(rows)


def is_built() -> bool:
    """Whether there is an index that this version can read, made with the encoder in use."""
    return is_built_with(Path(settings.INDEX_DIR), _encoder().digest)


def do_reindex(progress: Callable[[int, int], None]) -> int:
    """Build the whole index anew beside the one being served, and swap. progress(done, total). Returns how many wordings."""
    total = claims.wording_count()
    with _writer(Path(settings.INDEX_DIR)) as writer:
        return writer.rebuild(_all_wordings(), lambda done: progress(done, total))


def _all_wordings() -> Iterator[Wording]:
    seq = 0
    while rows := claims.wordings_after(seq, most=CHUNK):
        seq = rows[-1].seq
        yield from (Wording(str(row.claim_id), row.lang, row.text, row.seq) for row in rows)


def _up_to_date(directory: Path) -> bool:
    from chatbranch.matching.queries import matcher

    return not claims.wordings_after(matcher().watermark, most=1)


def _writer(directory: Path) -> IndexWriter:
    return IndexWriter.open(directory, _encoder())


def _encoder() -> Encoder:
    model = settings.CONFIG.model_dir
    return Encoder.open(Path(model) if model else None)
