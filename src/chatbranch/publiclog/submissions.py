"""What a log and a witness say to each other: the body of `add-checkpoint` of C2SP tlog-witness. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from chatbranch.publiclog.notes import BadNote, read_hash, read_size, write_hash

MOST_HASHES = 63
CONFLICT = "text/x.tlog.size"
"""The content type in which a witness says which size it cosigned last."""


@dataclass(frozen=True)
class Submission:
    """A checkpoint for a witness to cosign. old: the size it cosigned last. proof: that the log only grew since."""

    old: int
    proof: tuple[bytes, ...]
    note: str

    @property
    def body(self) -> str:
        """The body of the request."""
        lines = [f"old {self.old}", *map(write_hash, self.proof), "", self.note]
        return "\n".join(lines)

    @classmethod
    def read(cls, body: str) -> Submission:
        """The submission in such a body. Raises BadNote."""
        head, gap, note = body.partition("\n\n")
        first, *hashes = head.split("\n")
        if not gap or not first.startswith("old ") or len(hashes) > MOST_HASHES:
            raise BadNote("not a submission: the old size, the proof, an empty line, the checkpoint")
        return cls(read_size(first[4:]), tuple(read_hash(each) for each in hashes), note)
