"""A witness for the logs of others (C2SP tlog-witness): it cosigns a checkpoint only when it continues what it cosigned last.

What it keeps of a log is one file, the last checkpoint it cosigned, replaced by rename and forced to the disk before the cosignature
is given away. No Django and no database: a witness is a few lines that one can read.
"""

from __future__ import annotations

import fcntl
import secrets
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from chatbranch.kernel import clock, files
from chatbranch.publiclog.folder import Folder
from chatbranch.publiclog.merkle import EMPTY, consistent
from chatbranch.publiclog.notes import COSIGNATURE, BadNote, Checkpoint, Key, Note, Signer
from chatbranch.publiclog.submissions import CONFLICT, Submission

KEY_FILE = "witness.key"
LARGEST = 64 * 1024  # bytes of a request
_PLAIN = "text/plain; charset=utf-8"

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True)
class Answer:
    """What is answered over HTTP."""

    status: int
    body: str
    kind: str = _PLAIN


class Witness:
    """One witness. logs: the keys of the logs it cosigns; a log whose key changed has several. state: its folder."""

    def __init__(self, signer: Signer, logs: Iterable[Key], state: Path) -> None:
        self.signer, self._folder = signer, Folder(state)
        self._keys: dict[str, list[Key]] = {}
        for key in logs:
            self._keys.setdefault(key.name, []).append(key)

    def add_checkpoint(self, body: bytes) -> Answer:
        """Cosign the checkpoint in this body, if it is the continuation of the last one."""
        try:
            asked = Submission.read(body.decode())
            note = Note.read(asked.note)
            checkpoint = Checkpoint.read(note.text)
        except (BadNote, UnicodeDecodeError) as problem:
            return Answer(400, f"{problem}\n")
        keys = self._keys.get(checkpoint.origin)
        if keys is None:
            return Answer(404, "this witness does not know that log\n")
        try:
            signed = note.by(keys)
        except BadNote as problem:
            return Answer(403, f"{problem}\n")
        if not signed:
            return Answer(403, "not signed by a key of that log\n")
        kept = note.text + "\n" + "".join(signature.line for _, signature in signed)
        return self._cosign(asked, checkpoint, kept)

    def _cosign(self, asked: Submission, checkpoint: Checkpoint, kept: str) -> Answer:
        """One at a time for each log: what is compared with is what is replaced."""
        with self._alone(checkpoint.origin) as place:
            last = self._last(place)
            if problem := _problem(asked, checkpoint, last):
                return problem
            line = self.signer.sign(checkpoint.text, int(clock.now().timestamp()))
            self._folder.write([(place, (kept + line).encode())])
        return Answer(200, line)

    def checkpoint(self, place: str) -> bytes | None:
        """The last checkpoint cosigned of the log with this hash of its name."""
        try:
            return self._folder.read(f"{place}/checkpoint")
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _last(self, place: str) -> Checkpoint | None:
        """What was cosigned last. A state that cannot be read stops the witness: it must not begin anew."""
        try:
            return Checkpoint.read(Note.read(self._folder.read(place)).text)
        except FileNotFoundError:
            return None

    @contextmanager
    def _alone(self, origin: str) -> Iterator[str]:
        place = place_of(origin)
        folder = self._folder.root / place
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield f"{place}/checkpoint"


def _problem(asked: Submission, now: Checkpoint, last: Checkpoint | None) -> Answer | None:
    """Why this is not cosigned, with the status that tlog-witness has for it."""
    known = last.size if last else 0
    if asked.old > now.size:
        return Answer(400, "the old size is larger than the new one\n")
    if asked.old != known:
        return Answer(409, f"{known}\n", CONFLICT)
    if now.size == 0 and now.root != EMPTY:
        return Answer(422, "an empty log has another root hash\n")
    before = last.root if last else EMPTY
    if not consistent(asked.old, now.size, before, now.root, asked.proof):
        return Answer(422, "this is not the continuation of what was cosigned last\n")
    return None


def place_of(origin: str) -> str:
    """Where a witness keeps, and shows, what it cosigned of a log."""
    return sha256(origin.encode()).hexdigest()


def key_of(state: Path, name: str) -> Signer:
    """The witness's own key: made on the first start under this name, for this account only. Raises BadNote."""
    file = state / KEY_FILE
    if not file.exists():
        made = Signer.of(name, secrets.token_bytes(32), COSIGNATURE)
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        files.write(file, f"{made.skey}\n".encode())
        files.sync(state)
    signer = Signer.read(file.read_text())
    if name and signer.key.name != name:
        raise BadNote(f"this witness is called {signer.key.name}, and keeps that name")
    return signer


def application(witness: Witness) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """The witness as an ASGI application: POST /add-checkpoint, GET /<hash of the log's name>/checkpoint."""
    import asyncio

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path, method = scope["path"], scope["method"]
        if path == "/add-checkpoint" and method == "POST":
            body = await _body(receive)
            answer = (
                Answer(413, "too long\n")
                if body is None
                else await asyncio.to_thread(witness.add_checkpoint, body)
            )
        else:
            place = path.removeprefix("/").removesuffix("/checkpoint")
            known = (
                len(place) == 64 and set(place) <= set("0123456789abcdef") and path.endswith("/checkpoint")
            )
            found = witness.checkpoint(place) if known and method == "GET" else None
            answer = Answer(404, "nothing here\n") if found is None else Answer(200, found.decode())
        headers = [(b"content-type", answer.kind.encode()), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body.encode()})

    return serve


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None where it is too long."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > LARGEST:
            return None
        if not message.get("more_body"):
            return bytes(body)
