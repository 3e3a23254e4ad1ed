"""Changing the key, with the branch stopped: the new one is kept, the log says so under the old one's signature, and only then does the
new one take its place. Cut off anywhere, the log goes on with the one or with the other.

A lost key is replaced without its signature, which everyone who audits the log sees."""

from __future__ import annotations

import secrets

from django.db import transaction

from chatbranch.kernel import clock, ids
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase
from chatbranch.publiclog import keys
from chatbranch.publiclog.appending import Draft, do_append
from chatbranch.publiclog.entries import ROTATED
from chatbranch.publiclog.models import LogKey
from chatbranch.publiclog.notes import Key, Signer
from chatbranch.publiclog.publishing import do_publish
from chatbranch.publiclog.rotation import handed_over, replaced


def do_rotate_key() -> Key:
    """Give the log another key, and publish that; returns it. The secret of the old one is gone then."""
    do_publish()
    keys.do_settle_rotation()
    if not keys.public_keys():
        raise Refused("log-empty", _EMPTY, status=409, keys=keys.keys_folder())
    old = keys.signer()
    new = Signer.of(old.key.name, secrets.token_bytes(32))
    keys.write_next(new.seed)
    with transaction.atomic():
        said = handed_over(old, new.key)
        (index,) = do_append([Draft(ROTATED, clock.now(), ids.new_id(), said)])
        LogKey.objects.create(since=index, vkey=new.key.vkey)
    keys.do_settle_rotation()
    do_publish()
    return new.key


def do_replace_lost_key() -> Key:
    """Let the key that is here now follow one that was lost, and publish that; returns it. Refuses where nothing was lost."""
    if not keys.is_lost():
        raise Refused("log-key-here", _HERE, status=409)
    old = keys.public_keys()[-1]
    new = keys.named(old.name)
    with transaction.atomic():
        (index,) = do_append([Draft(ROTATED, clock.now(), ids.new_id(), replaced(old, new))])
        LogKey.objects.create(since=index, vkey=new.vkey)
    do_publish()
    return new


_HERE = Phrase(
    "公开日志的密钥在这里，没有丢。要换一把，请用 chatbranch log rotate-key。",
    "The public log's key is here; nothing was lost. To change it, use chatbranch log rotate-key.",
)
_EMPTY = Phrase(
    "公开日志还没有记录，不需要更换密钥；想另用一把，删去 {keys}/log.key 即可。",
    "The public log has no entry yet, so there is nothing to hand over: delete {keys}/log.key, and another key is made.",
)
