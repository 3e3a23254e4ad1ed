"""What it gains that every confirmed forward teaches its claim: the same messages asked before and after.

    python benchmarks/matching/taught.py [--data ../shared/data] [SET ...]

Of each claim that several messages of a set repeat, the first half of its messages (rounded down) are confirmed
forwards, and the later ones are asked; so is every other message of the set. The claims learn none of the confirmed
ones, the first of each, the first two, or all; then all of them but those in which the guard sees a conflict, as it is
when a case is decided. Every message that is asked is also asked with its claim held out. The numbers are the shipped ones.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from chatbranch.kernel.text import language
from chatbranch.matching import guard
from chatbranch.matching.dataset import Dataset, Query, RememberingEncoder, load
from chatbranch.matching.encoder import Encoder
from chatbranch.matching.evaluate import Report, evaluate
from chatbranch.matching.table import Wording

SETS = ("en_checkthat2022", "en_checkthat2020", "zh_weibo_events", "zh_news_titles")
STEPS = (0, 1, 2, None)  # how many of a claim's confirmed forwards it learns; None: all
FIGURES = ("answer_recall", "success_at_1", "map_at_5", "answer_precision", "wrong_answers")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def parted(dataset: Dataset) -> tuple[dict[str, list[Query]], list[Query]]:
    """Claim -> its confirmed forwards, in the set's order; and the messages that are asked."""
    sent: dict[str, list[Query]] = defaultdict(list)
    for query in dataset.queries:
        for claim_id in query.claim_ids:
            sent[claim_id].append(query)
    taught: dict[str, list[Query]] = {}
    used: set[str] = set()
    for claim_id, queries in sent.items():
        free = [query for query in queries if query.id not in used]
        taught[claim_id] = free[: len(free) // 2]
        used |= {query.id for query in taught[claim_id]}
    return taught, [query for query in dataset.queries if query.id not in used]


def learnt(
    dataset: Dataset, taught: dict[str, list[Query]], most: int | None, *, guarded: bool = False
) -> Iterable[Wording]:
    """The wordings that claims learn from their first `most` confirmed forwards."""
    claims = dataset.claims()
    seq = max(own.seq for own in dataset.wordings)
    for claim_id, queries in taught.items():
        said = [own.text for own in claims.get(claim_id, ())]
        for query in queries[:most]:
            if said and not (guarded and guard.inspect(query.text, None, said).conflict):
                seq += 1
                yield Wording(claim_id, language(query.text), query.text, seq)


def part(report: Report, chosen: Sequence[bool]) -> dict[str, object]:
    """The figures of some of the messages."""
    asked = tuple(each for each, is_chosen in zip(report.asked, chosen, strict=True) if is_chosen)
    return dataclasses.replace(report, asked=asked).as_dict()


def figures(found: dict[str, object]) -> str:
    intervals = found["intervals"]
    assert isinstance(intervals, dict)
    return "  ".join(
        f"{name} {found[name]:.3f} [{intervals[name][0]:.3f}, {intervals[name][1]:.3f}]"
        for name in FIGURES
        if found[name] is not None
    )


def measure(data: Path, name: str, encoder: RememberingEncoder) -> None:
    dataset = load(data / "matching" / name)
    taught, asked = parted(dataset)
    again = {claim_id for claim_id, queries in taught.items() if queries}
    chosen = [bool(query.claim_ids & again) for query in asked]
    say(
        f"{name}: {len(dataset.claims()):,} claims, {len(again)} with {sum(map(len, taught.values()))} confirmed forwards; "
        f"{sum(chosen)} later messages on them, {len(asked)} asked in all"
    )
    steps = [(most, False) for most in STEPS] + [(None, True)]
    for most, guarded in steps:
        wordings = tuple(learnt(dataset, taught, most, guarded=guarded))
        whole = dataclasses.replace(dataset, wordings=dataset.wordings + wordings, queries=tuple(asked))
        report = evaluate(whole, encoder)
        title = f"{len(wordings):>4} learnt" + (", those the guard lets pass" if guarded else "")
        say(f"  {title}")
        say(f"    later messages on them: {figures(part(report, chosen))}")
        everything = report.as_dict()
        say(f"    all messages:           {figures(everything)}  named_wrong {everything['named_wrong']}")
    say(json.dumps({"set": name, "fitted": report.fitted}))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("sets", nargs="*", default=SETS)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    chosen = parser.parse_args()
    encoder = RememberingEncoder(Encoder.open())
    for name in chosen.sets:
        measure(chosen.data, name, encoder)
        encoder.save()


if __name__ == "__main__":
    main()
