"""witness-log's own log, in its own environment: prints, as JSON, what it sends to a witness as it grows, and a fork of it."""

from __future__ import annotations

import json

from witness_log import WitnessLog

SEED = b"\x17" * 32


def log(entries: list[bytes]) -> WitnessLog:
    made = WitnessLog.resume(SEED, 1)
    for each in entries:
        made.append_intent(each)
    return made


def main() -> None:
    first = log([b"one", b"two", b"three"])
    bodies, sizes = [first.add_checkpoint_body(0)], [first.tree_size()]
    for more in (4, 5):
        for n in range(more):
            first.append_intent(b"%d" % n)
        bodies.append(first.add_checkpoint_body(sizes[-1]))
        sizes.append(first.tree_size())
    fork = log([b"%d" % n for n in range(sizes[-1] + 2)])
    origin = first.canonical_origin()
    said = {
        "vkey": first.c2sp_vkey(origin),
        "bodies": bodies,
        "sizes": sizes,
        "fork": fork.add_checkpoint_body(sizes[-1]),
    }
    print(json.dumps(said))


if __name__ == "__main__":
    main()
