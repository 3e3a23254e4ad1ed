"""Files written whole or not at all; and files kept under the hash of what is in them, so that the same file is kept once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from chatbranch.kernel import clock


def write(place: Path, data: bytes, *, mode: int = 0o600, mark: str = "new") -> None:
    """Write a file whole or not at all: beside its place under a name with this mark, forced to the disk, renamed.

    Its name is on the disk once its folder was synced, too.
    """
    draft = place.with_name(f"{place.name}.{mark}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(place)


def sync(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def keep(root: Path, data: bytes) -> str:
    """Write `data` durably below `root` and return its SHA-256 in hex: the name under which `path_of` finds it."""
    digest = hashlib.sha256(data).hexdigest()
    target = path_of(root, digest)
    with suppress(FileNotFoundError):
        os.utime(target)  # young again, so that `sweep` lets it be
        return digest
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write(target, data, mark=f"{os.getpid()}.new")
    return digest


def sweep(root: Path, wanted: Callable[[list[str]], Iterable[str]], age: float) -> int:
    """Delete the files below `root` that are older than `age` seconds and not `wanted`; returns how many.

    wanted: given names, says which of them something still refers to; asked after the ages were read.
    """
    for aside in root.glob("[0-9a-f][0-9a-f]/*.gone"):
        aside.replace(aside.with_suffix(""))  # a crash came in between: looked at again
    old = {path.name: path for path in root.glob("[0-9a-f][0-9a-f]/*") if _is_older(path, age)}
    drafts = {name for name in old if name.endswith(".new")}  # a crash left them
    unwanted = old.keys() - set(wanted(sorted(old.keys() - drafts)))
    return sum(_delete(old[name], age) for name in unwanted)


def _delete(path: Path, age: float) -> bool:
    """Delete a file that is still as old as it was: `keep` may have made it young, and somebody may refer to it now."""
    aside = path.with_suffix(".gone")
    with suppress(FileNotFoundError):
        path.rename(aside)  # from here on `keep` writes it anew
        if _is_older(aside, age):
            aside.unlink()
            return True
        aside.replace(path)
    return False


def _is_older(path: Path, age: float) -> bool:
    try:
        return clock.now().timestamp() - path.stat().st_mtime > age
    except FileNotFoundError:
        return False


def path_of(root: Path, digest: str) -> Path:
    """Where the file with this hash is (or would be)."""
    return root / digest[:2] / digest
