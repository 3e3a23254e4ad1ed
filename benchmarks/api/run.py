"""From message to answer through the running API, on a library of 100,000 claims: p50, p95, p99, and a verdict just published.

    python benchmarks/api/run.py [--claims 100000] [--data ../shared/data] [--folder DIR]

Real English claims (with sentence vectors) and real Chinese posts come first; the rest of the library is made by recombining
sentences of the Chinese posts. The branch runs as `chatbranch up` starts it, in a folder of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

PROGRAM = [sys.executable, "-m", "chatbranch.site.cli"]


def rows(data: Path, claims: int) -> Iterator[dict[str, object]]:
    """`claims` library rows: real English, real Chinese, then recombined Chinese."""
    made = 0
    for line in (data / "matching/en_checkthat2020/claims.jsonl").open(encoding="utf-8"):
        yield row(made, "en", json.loads(line)["text"])
        made += 1
    posts = [json.loads(line)["text"] for line in (data / "stream/zh_posts.jsonl").open(encoding="utf-8")]
    for text in posts:
        yield row(made, "zh-Hans", text)
        made += 1
    sentences = [
        part for text in posts for part in text.replace("！", "。").split("。") if 8 <= len(part) <= 80
    ]
    chance = random.Random(20261123)
    while made < claims:
        yield row(made, "zh-Hans", "。".join(chance.sample(sentences, 2)))
        made += 1


def row(number: int, lang: str, text: str) -> dict[str, object]:
    explanation = {"en": "For measuring only.", "zh-Hans": "仅供测量。"}
    verdict = {
        "rating": "false",
        "as_of": "2026-11-23",
        "scope": {},
        "explanation": explanation,
        "expires": None,
    }
    source = {"url": f"https://source.example/{number}", "title": "", "publisher": "", "lang": lang}
    return {
        "id": f"b{number}",
        "topic": "",
        "wordings": [{"lang": lang, "text": text[:2000]}],
        "verdict": verdict,
        "sources": [source],
        "origin": "benchmark",
    }


def questions(data: Path, count: int) -> list[str]:
    """Half English tweets, half Chinese posts cut and prefixed, none twice."""
    tweets = [
        json.loads(line)["text"]
        for line in (data / "matching/en_checkthat2020/queries.jsonl").open(encoding="utf-8")
    ]
    posts = [json.loads(line)["text"] for line in (data / "stream/zh_posts.jsonl").open(encoding="utf-8")]
    chance = random.Random(7)
    chinese = ["转发：" + text[: chance.randrange(30, 140)] for text in chance.sample(posts, count)]
    return [text for pair in zip(chance.sample(tweets, count // 2), chinese, strict=False) for text in pair]


def post(client: httpx.Client, text: str, asker: str) -> tuple[float, str]:
    began = time.perf_counter()
    answer = client.post("/api/v1/checks", json={"text": text, "asker": asker})
    answer.raise_for_status()
    return time.perf_counter() - began, answer.json()["outcome"]


def report(name: str, seconds: list[float]) -> None:
    cuts = statistics.quantiles(seconds, n=100)
    print(
        f"{name:<34} p50 {cuts[49] * 1000:6.0f} ms   p95 {cuts[94] * 1000:6.0f} ms   p99 {cuts[98] * 1000:6.0f} ms   (n = {len(seconds)})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claims", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=400)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[3] / "shared/data")
    parser.add_argument(
        "--folder", type=Path, help="Keep the library here, and use it if it is there already."
    )
    chosen = parser.parse_args()
    if chosen.folder:
        chosen.folder.mkdir(parents=True, exist_ok=True)
        measure(chosen.folder, chosen)
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), chosen)


def measure(folder: Path, chosen: argparse.Namespace) -> None:
    environment = {**os.environ, "CHATBRANCH_DATA": str(folder / "data")}
    environment |= {"CHATBRANCH_NETWORK_ASKS_PER_MINUTE": "0", "CHATBRANCH_NETWORK_ASKS_PER_DAY": "0"}
    if not (folder / "data").exists():
        make_library(folder, environment, chosen)
    ask_running(environment, chosen)


def make_library(folder: Path, environment: dict[str, str], chosen: argparse.Namespace) -> None:
    """Import the library into the folder's data, and rebuild its index; both timed."""
    library = folder / "library.jsonl"
    with library.open("w", encoding="utf-8") as out:
        for each in rows(chosen.data, chosen.claims):
            out.write(json.dumps(each, ensure_ascii=False) + "\n")
    for command in (["import", str(library)], ["reindex"]):
        began = time.perf_counter()
        subprocess.run(
            [*PROGRAM, *command],
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        print(f"{command[0]:<34} {time.perf_counter() - began:8.0f} s for {chosen.claims} claims")


def ask_running(environment: dict[str, str], chosen: argparse.Namespace) -> None:
    """Start the branch as it runs in life, and ask it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    running = subprocess.Popen(
        [*PROGRAM, "up", "--no-browser", "--port", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        ask_everything(f"http://127.0.0.1:{port}", questions(chosen.data, chosen.questions), chosen.claims)
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(30)


def ask_everything(url: str, texts: list[str], claims: int) -> None:
    with httpx.Client(base_url=url, timeout=60) as client:
        for _ in range(300):
            try:
                client.get("/health")
                break
            except httpx.HTTPError:
                time.sleep(0.2)
        for place, text in enumerate(texts[:20]):
            post(client, text, f"warm {place}")
        print(f"{claims} claims, {os.cpu_count()} cores, Python {platform.python_version()}")
        alone = [post(client, text, f"alone {place}") for place, text in enumerate(texts)]
        report("one asker at a time", [seconds for seconds, _ in alone])
        print(
            "   outcomes:",
            {kind: sum(1 for _, each in alone if each == kind) for kind in ("answer", "suggest", "new")},
        )
        with ThreadPoolExecutor(4) as pool:
            together = list(
                pool.map(lambda pair: post(client, pair[1], f"together {pair[0]}"), enumerate(texts))
            )
        report("four askers at once", [seconds for seconds, _ in together])


if __name__ == "__main__":
    main()
