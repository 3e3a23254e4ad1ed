"""How fast checks are imported: a generated file, an empty library, rows a second.

    .venv/bin/python benchmarks/import/run.py [--rows 100000] [--form jsonl|claimreview]

It works in a folder of its own, which it removes; a branch's data is never touched. With
CHATBRANCH_DATABASE_URL set it uses that (empty!) PostgreSQL database instead of SQLite.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TOPICS = ("health", "food", "disaster", "fraud", "water_and_flood", "school", "technology")
THINGS = ("微波炉", "白酒", "绿豆", "手机信号", "自来水", "疫苗", "地震云", "中奖短信", "充电宝", "隔夜菜")
HARMS = ("会致癌", "能治感冒", "可以退烧", "会爆炸", "已被污染", "将被取消", "是骗局", "会让人失眠")


def rows(count: int) -> Iterator[dict[str, Any]]:
    """`count` checks of the size met in practice: some 40 characters of claim and 200 of explanation in two languages."""
    draw = random.Random(20)
    for number in range(count):
        thing, harm = draw.choice(THINGS), draw.choice(HARMS)
        place = f"第{draw.randrange(10_000)}号小区"
        yield {
            "id": f"bench-{number}",
            "topic": draw.choice(TOPICS),
            "wordings": [
                {"lang": "zh-Hans", "text": f"{place}通知：{thing}{harm}，编号{number}，请转告家人。"},
                {
                    "lang": "en",
                    "text": f"Notice {number} from estate {draw.randrange(10_000)}: beware of it.",
                },
            ],
            "verdict": {
                "rating": draw.choice(("true", "mostly-true", "misleading", "false", "unknown")),
                "as_of": f"20{draw.randrange(10, 26)}-0{draw.randrange(1, 10)}-1{draw.randrange(10)}",
                "explanation": {
                    "zh-Hans": f"没有证据表明{thing}{harm}。" * 6,
                    "en": "There is no evidence. " * 8,
                },
            },
            "sources": [{"url": f"https://example.org/check/{number}", "title": "A check", "lang": "en"}],
        }


def review(row: dict[str, Any], number: int) -> dict[str, Any]:
    """The same check as ClaimReview."""
    return {
        "@type": "ClaimReview",
        "url": f"https://example.org/check/{number}",
        "claimReviewed": row["wordings"][0]["text"],
        "author": {"@type": "Organization", "name": "Bench"},
        "datePublished": row["verdict"]["as_of"],
        "reviewRating": {"@type": "Rating", "alternateName": row["verdict"]["rating"].replace("-", " ")},
        "reviewBody": row["verdict"]["explanation"]["zh-Hans"],
    }


def write(path: Path, count: int, form: str) -> None:
    """A file of `count` checks."""
    with path.open("w", encoding="utf-8") as out:
        if form == "jsonl":
            out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows(count))
            return
        reviews = (json.dumps(review(row, n), ensure_ascii=False) for n, row in enumerate(rows(count)))
        out.write('{"@type": "DataFeed", "dataFeedElement": [\n' + ",\n".join(reviews) + "\n]}\n")


def timed(path: Path) -> None:
    """Import the file and print what came of it."""
    from chatbranch.claims.importing import do_import_file

    slowest, last = 0.0, time.perf_counter()

    def tick(done: int, total: int) -> None:
        nonlocal slowest, last
        now = time.perf_counter()
        slowest, last = max(slowest, now - last), now

    start, busy = time.perf_counter(), time.process_time()
    report = do_import_file(path, origin="Bench", progress=tick)
    took, busy = time.perf_counter() - start, time.process_time() - busy
    print(
        f"{report.rows:,} rows in {took:.1f} s: {report.rows / took:,.0f} rows/s "
        f"({busy:.1f} s of processor time; {report.added:,} added, {report.changed:,} changed, {report.unchanged:,} unchanged, "
        f"{report.refused_count:,} refused; slowest chunk {slowest * 1000:.0f} ms)"
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=100_000)
    options.add_argument("--form", choices=["jsonl", "claimreview"], default="jsonl")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="chatbranch-bench-") as folder:
        os.environ["CHATBRANCH_DATA"] = folder
        os.environ["DJANGO_SETTINGS_MODULE"] = "chatbranch.site.settings"
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        path = Path(folder) / f"bench.{chosen.form}"
        write(path, chosen.rows, chosen.form)
        print(f"{chosen.form}, {path.stat().st_size / 1e6:.0f} MB")
        timed(path)
        timed(path)
        print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
