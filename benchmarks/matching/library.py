"""The library that is measured, and what is asked of it: real texts first, then texts made from them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from chatbranch.matching.encoder import Encodes, Progress, Vectors
from chatbranch.matching.table import Wording

SEED = 20261123
_LONGEST = 2_000


def library(data: Path, claims: int) -> Iterator[Wording]:
    """``claims`` wordings, English and Chinese in turn: real ones, then the halves of two of them joined."""
    english = [row["text"] for row in rows(data / "matching/en_checkthat2022/claims.jsonl")]
    streams = zip(made(english, ". ", "en"), made(chinese(data), "。", "zh"), strict=True)
    numbered = (own for pair in streams for own in pair)
    for seq, ((lang, text), _) in enumerate(zip(numbered, range(claims), strict=False), 1):
        yield Wording(f"{lang}-{seq}", lang, text, seq)


def chinese(data: Path) -> list[str]:
    """Real Chinese posts, forwarded messages, fact checks and titles."""
    matching = ("zh_dxy_checks", "zh_weibo_events", "zh_news_titles")
    files = [data / f"matching/{name}/claims.jsonl" for name in matching]
    files += [data / "stream/zh_posts.jsonl", data / "stream/zh_hant_messages.jsonl"]
    return list(dict.fromkeys(row["text"][:_LONGEST] for path in files for row in rows(path)))


def made(texts: Sequence[str], full_stop: str, lang: str) -> Iterator[tuple[str, str]]:
    """These, then pairs of halves of them for ever."""
    chance = random.Random(SEED)
    name = "en" if lang == "en" else "zh-Hans"
    yield from ((name, text) for text in texts)
    while True:
        first, second = chance.choice(texts), chance.choice(texts)
        yield name, first[: len(first) // 2] + full_stop + second[len(second) // 2 :]


def messages(data: Path, count: int) -> tuple[list[str], list[str]]:
    """What is asked, none twice: real English tweets, and real Chinese posts cut as they are forwarded."""
    chance = random.Random(SEED)
    tweets = [row["text"] for row in rows(data / "matching/en_checkthat2022/queries.jsonl")]
    posts = chance.sample([row["text"][:_LONGEST] for row in rows(data / "stream/zh_posts.jsonl")], count)
    forwarded = [
        f"【转发】{text[: len(text) * 3 // 4]}，大家看看🙏 http://t.cn/{n}" for n, text in enumerate(posts)
    ]
    return chance.sample(tweets, count), forwarded


def rows(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


class Perturbing:
    """Gives a language's first texts the model's vectors, and others a real vector moved by noise (cosine 0.7 to 0.95)."""

    def __init__(self, encoder: Encodes, most: int) -> None:
        self._encoder, self._most = encoder, most
        self.digest, self.dimension = encoder.digest, encoder.dimension
        self._real: dict[str, Vectors] = {}
        self._chance = np.random.default_rng(SEED)

    def encode(self, texts: Sequence[str], lang: str, progress: Progress | None = None) -> Vectors:
        real = self._real.get(lang, np.zeros((0, self.dimension), np.float32))
        if len(real) < self._most:
            vectors = self._encoder.encode(texts, lang, progress)
            self._real[lang] = np.vstack([real, vectors])
            return vectors
        near = real[self._chance.integers(0, len(real), len(texts))]
        noise = self._chance.normal(size=near.shape).astype(np.float32)
        noise -= (noise * near).sum(axis=1, keepdims=True) * near
        noise /= np.linalg.norm(noise, axis=1, keepdims=True)
        cosine = self._chance.uniform(0.7, 0.95, (len(texts), 1)).astype(np.float32)
        return np.asarray(cosine * near + np.sqrt(1 - cosine**2) * noise, np.float32)

    def encode_message(self, text: str, lang: str) -> Vectors:
        return self._encoder.encode_message(text, lang)
