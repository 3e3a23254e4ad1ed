"""The log's keys. The secret one lies with the branch's other keys; the public ones are rows, and the first is published."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from chatbranch.kernel import files
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase
from chatbranch.publiclog.models import LogKey
from chatbranch.publiclog.notes import Key, Signer

OURS = "log"
"""Our key's name among the branch's secrets."""
NEXT = "log.next.key"
"""Beside the other keys, while a rotation is under way."""


def public_keys() -> list[Key]:
    """All keys of this log, the first one first; none before the first entry."""
    return [Key.read(each) for each in LogKey.objects.order_by("since").values_list("vkey", flat=True)]


def key_at(size: int) -> Key | None:
    """The key that signs a checkpoint of this size."""
    found = LogKey.objects.filter(since__lt=max(size, 1)).order_by("-since").first()
    return Key.read(found.vkey) if found else None


def do_make_first() -> None:
    """Put the key that the log begins with on record; nothing happens where that was done."""
    if not LogKey.objects.exists():
        seed = _seed()
        LogKey.objects.create(since=0, vkey=Signer.of(_origin(Signer.of("x", seed).key), seed).key.vkey)


def signer() -> Signer:
    """What signs the log now. Refuses a key that is not the one on record."""
    *_, present = public_keys()
    for seed in filter(None, (_seed(), _next_seed())):
        found = Signer.of(present.name, seed)
        if found.key == present:
            return found
    raise Refused("log-key", _OTHER_KEY, status=500, key=present.vkey, keys=settings.CONFIG.keys)


def is_lost() -> bool:
    """Whether the log has a key on record whose secret is not here."""
    try:
        return bool(public_keys()) and not signer()
    except Refused:
        return True


def named(name: str) -> Key:
    """The public part of the secret key here, as the key of a log of this name."""
    return Signer.of(name, _seed()).key


def do_settle_rotation() -> None:
    """Finish a rotation that ended between its entry and its file: the next key takes the present one's place."""
    next_file = keys_folder() / NEXT
    present = public_keys()[-1:]
    seed = _next_seed()
    if seed and present:
        if Signer.of(present[0].name, seed).key == present[0]:
            next_file.replace(keys_folder() / f"{OURS}.key")
            settings.SECRETS[OURS] = seed.hex()
        else:
            next_file.unlink()  # it never came to an entry


def keys_folder() -> Path:
    """Where the secret keys lie."""
    return Path(settings.CONFIG.keys)


def write_next(seed: bytes) -> None:
    """Keep the key that is to follow, durably and for this account only."""
    files.write(keys_folder() / NEXT, seed.hex().encode())
    files.sync(keys_folder())


def _seed() -> bytes:
    return bytes.fromhex(settings.SECRETS[OURS])


def _next_seed() -> bytes | None:
    file = keys_folder() / NEXT
    return bytes.fromhex(file.read_text().strip()) if file.exists() else None


def _origin(key: Key) -> str:
    """The log's name for ever: where the branch is, or, while it has no public address, a name that leads nowhere but is its own."""
    if not settings.CONFIG.public_url:
        return f"{key.public.hex()[:16]}.chatbranch.invalid/log"
    address = urlsplit(settings.CONFIG.url)
    host = (address.hostname or "localhost").encode("idna").decode()
    return f"{host}{f':{address.port}' if address.port else ''}{address.path.rstrip('/')}/log"


_OTHER_KEY = Phrase(
    "{keys}/log.key 不是公开日志的密钥（应为 {key}）。请放回原来的密钥；没有它，日志不能再签名，结论也不会生效。真丢了，就用 chatbranch log rotate-key --lost。",
    "{keys}/log.key is not the key of the public log, which is {key}. Put the right one back: without it the log "
    "cannot be signed, and no verdict takes effect. If it is lost for good: chatbranch log rotate-key --lost.",
)
