"""One file that holds a branch: a gzipped tar with a manifest of what is in it, each member by its SHA-256.

Pure files, no Django: what is written is read back and compared before it counts as a backup, and nothing of an
archive is used before all of it was found whole.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase

FORMAT = "chatbranch backup"
FORMAT_VERSION = 1
MANIFEST = "manifest.json"
_BLOCK = 1 << 20

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself. members: name -> {"size": bytes, "sha256": hex}. counts: table -> rows.

    migrations: every one the tables had been through, "app.name". keys: secret's name -> a mark of it that gives
    nothing away, by which a restore sees whether the keys at hand are the right ones.
    """

    made_at: str
    version: str
    database: str
    branch: str
    counts: dict[str, int]
    migrations: list[str]
    keys: dict[str, str]
    members: dict[str, dict[str, Any]] = field(default_factory=dict)
    format: str = FORMAT
    format_version: int = FORMAT_VERSION


def write(
    target: Path, files: Iterable[tuple[str, Path]], manifest: Manifest, progress: Progress
) -> Manifest:
    """Write the named files and the manifest into `target` (mode 0600), read all of it back, and put it in place.

    A file that vanished since it was listed (an asker was forgotten) is left out. progress(bytes done, bytes in
    all) counts writing and checking. Raises Refused where what is read back is not what was written.
    """
    listed = [(name, path, path.stat().st_size) for name, path in files if path.exists()]
    total = max(sum(size for _, _, size in listed), 1)
    told = Told(progress, 2 * total)
    draft = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        with open(draft, "xb", opener=_private) as out:
            with tarfile.open(fileobj=out, mode="w:gz", compresslevel=6) as tar:
                for name, path, _ in listed:
                    _add(tar, name, path, manifest, told)
                _add_bytes(tar, MANIFEST, json.dumps(asdict(manifest), ensure_ascii=False, indent=1).encode())
            out.flush()
            os.fsync(out.fileno())
        read(draft, None, lambda at, size: progress(total + total * at // max(size, 1), 2 * total))
        os.close(os.open(target, os.O_CREAT | os.O_EXCL, 0o600))  # never over a file that appeared meanwhile
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return manifest


def read(source: Path, into: Path | None, progress: Progress) -> Manifest:
    """Check the whole archive, and unpack it into the empty folder `into` on the way, unless that is None.

    Returns its manifest. progress(bytes read, bytes in all) is called as it goes. Raises Refused where the file is no backup of ours, is damaged, or is of a later format.
    """
    found: dict[str, dict[str, Any]] = {}
    said = b""
    try:
        with source.open("rb") as packed:
            size = os.fstat(packed.fileno()).st_size
            for name, member in _members(packed, source.name):
                if name in found:
                    raise tarfile.ReadError(f"{name} is in it twice")
                if name == MANIFEST:
                    said = member.read()
                else:
                    found[name] = _take(member, into and into / name, lambda _: progress(packed.tell(), size))
            progress(size, size)  # what comes last, its manifest, is read in silence
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk is full or the file cannot be opened: that says nothing about the backup
        raise Refused("damaged", _DAMAGED if found else _FOREIGN, name=source.name, why=error) from error
    return _checked(source, said, found)


class Told:
    """Progress by bytes, from wherever they are read."""

    def __init__(self, progress: Progress, total: int) -> None:
        self.progress, self.total, self.done = progress, max(total, 1), 0

    def __call__(self, count: int) -> None:
        self.done += count
        self.progress(min(self.done, self.total), self.total)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _add(
    tar: tarfile.TarFile, name: str, path: Path, manifest: Manifest, told: Callable[[int], None]
) -> None:
    try:
        data = path.open("rb")
    except FileNotFoundError:
        return
    with data:
        info = tarfile.TarInfo(name)
        info.size = os.fstat(data.fileno()).st_size
        info.mode = 0o600
        hashing = _Hashing(data, told)
        tar.addfile(info, hashing)
        manifest.members[name] = {"size": info.size, "sha256": hashing.digest()}


def _add_bytes(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o600
    tar.addfile(info, io.BytesIO(data))


class _Hashing(io.RawIOBase):
    """A file that is hashed as it is read."""

    def __init__(self, data: IO[bytes], told: Callable[[int], None]) -> None:
        self.data, self.told, self.hash = data, told, hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        block = self.data.read(size)
        self.hash.update(block)
        self.told(len(block))
        return block

    def digest(self) -> str:
        return self.hash.hexdigest()


def _members(packed: IO[bytes], source: str) -> Iterator[tuple[str, IO[bytes]]]:
    """Plain files of the archive, in order; Refused for a name that would lead out of its folder."""
    with tarfile.open(fileobj=packed, mode="r|gz") as tar:
        for info in tar:
            path = PurePosixPath(info.name)
            if not info.isreg() or path.is_absolute() or ".." in path.parts:
                raise Refused("damaged", _FOREIGN, name=source)
            data = tar.extractfile(info)
            assert data is not None, "a regular file has content"
            yield info.name, data


def _take(data: IO[bytes], target: Path | None, told: Callable[[int], None]) -> dict[str, Any]:
    """The size and hash of a member, written to `target` unless that is None."""
    hashing, size = _Hashing(data, told), 0
    if target is None:
        while block := hashing.read(_BLOCK):
            size += len(block)
        return {"size": size, "sha256": hashing.digest()}
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(target, "xb", opener=_private) as out:
        while block := hashing.read(_BLOCK):
            size += out.write(block)
        out.flush()
        os.fsync(out.fileno())
    return {"size": size, "sha256": hashing.digest()}


def _checked(source: Path, said: bytes, found: dict[str, dict[str, Any]]) -> Manifest:
    try:
        values = json.loads(said)
        if values["format_version"] > FORMAT_VERSION:
            raise Refused("newer", NEWER, name=source.name, version=values.get("version", "?"))
        manifest = Manifest(**values)
    except (ValueError, LookupError, TypeError):
        raise Refused("damaged", _FOREIGN, name=source.name) from None
    if manifest.format != FORMAT:
        raise Refused("damaged", _FOREIGN, name=source.name)
    wrong = sorted(
        name for name in {*found, *manifest.members} if found.get(name) != manifest.members.get(name)
    )
    if wrong:
        raise Refused("damaged", _CHANGED, name=source.name, member=wrong[0])
    return manifest


_DAMAGED = Phrase(
    "备份“{name}”已损坏（{why}），没有恢复；现有数据原样未动。请换一份备份。",
    "The backup “{name}” is damaged ({why}). Nothing was restored and nothing here was touched; try another backup.",
)
_CHANGED = Phrase(
    "备份“{name}”已损坏：其中“{member}”与清单不符。没有恢复；现有数据原样未动。请换一份备份。",
    "The backup “{name}” is damaged: “{member}” in it is not what was written. Nothing was restored and nothing "
    "here was touched; try another backup.",
)
_FOREIGN = Phrase(
    "“{name}”不是 chatbranch 的完整备份，没有恢复；现有数据原样未动。",
    "“{name}” is not a whole chatbranch backup. Nothing was restored and nothing here was touched.",
)
NEWER = Phrase(
    "备份“{name}”由更新的 chatbranch（{version}）制作；请先升级，再恢复。现有数据原样未动。",
    "The backup “{name}” was made by a newer chatbranch ({version}); upgrade first, then restore. Nothing here was touched.",
)
