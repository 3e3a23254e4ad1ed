"""How often a piece of a claim, among other words, is given the verdict of the whole; and what the rule against it costs.

    python benchmarks/matching/pieces.py [--data ../shared/data] [--set en_checkthat2020] [--splits test,dev] [--pieces 300]

Pieces: 40 to 70 % of the words of a claim, its beginning or its end, between two phrases that anybody writes; made with a
fixed seed. Asked with the rule and without it, as are the set's own messages.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from chatbranch.matching import rules
from chatbranch.matching.dataset import Dataset, RememberingEncoder, load
from chatbranch.matching.encoder import Encoder
from chatbranch.matching.engine import IndexWriter, Matcher
from chatbranch.matching.evaluate import evaluate, shares

BEFORE = (
    "omg look at this guys ",
    "my uncle just sent me this, ",
    "Can anybody confirm? ",
    "so apparently now people say ",
)
AFTER = (
    " what do you all think about it",
    " please pass it on to everybody you love",
    " I honestly cannot believe it any more",
    " crazy times we live in, stay safe",
)
SHARES = (0.4, 0.5, 0.6, 0.7)
_FEWEST_WORDS = 10
_SEED = 0


def pieces(dataset: Dataset, most: int) -> Iterator[str]:
    """Pieces of claims among other words."""
    chance = random.Random(_SEED)
    claims = [wordings[0].text.split() for wordings in dataset.claims().values()]
    chance.shuffle(claims)
    for words in [words for words in claims if len(words) >= _FEWEST_WORDS][:most]:
        count = int(len(words) * chance.choice(SHARES))
        start = chance.choice((0, len(words) - count))
        said = " ".join(words[start : start + count]).rstrip(".")
        yield chance.choice(BEFORE) + said + chance.choice(AFTER)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--set", default="en_checkthat2020")
    parser.add_argument("--splits", default="test,dev")
    parser.add_argument("--pieces", type=int, default=300)
    chosen = parser.parse_args()
    dataset = load(chosen.data / "matching" / chosen.set, chosen.splits.split(","))
    encoder, shipped = RememberingEncoder(Encoder.open()), rules.PIECE_COVERS
    with tempfile.TemporaryDirectory() as folder:
        with IndexWriter.open(Path(folder), encoder) as writer:
            writer.add(dataset.wordings)
            writer.commit()
        matcher = Matcher(Path(folder), encoder, rules.load_fitted())
        asked = list(pieces(dataset, chosen.pieces))
        for title, covers in (("without the rule", 0.0), ("as shipped", shipped)):
            rules.PIECE_COVERS = covers
            answered = sum(matcher.match(text).outcome == "answer" for text in asked)
            report = evaluate(dataset, encoder)
            recall, precision = (shares(report.asked, name) for name in ("answer_recall", "answer_precision"))
            sys.stdout.write(
                f"{title}: {answered} of {len(asked)} pieces answered; of {len(report.asked)} messages, "
                f"recall of answers {recall:.3f}, right among them {precision:.3f}\n"
            )
            sys.stdout.flush()
    encoder.save()


if __name__ == "__main__":
    main()
