"""Names of the library's shelves: topics, and whom checks came from. What is not named here is shown as it was imported."""

from __future__ import annotations

from chatbranch.kernel.phrases import Phrase

TOPICS: dict[str, Phrase] = {
    "health": Phrase("健康", "Health"),
    "food": Phrase("食品", "Food"),
    "disaster": Phrase("灾害", "Disasters"),
    "water_and_flood": Phrase("水与洪涝", "Water and floods"),
    "fraud": Phrase("诈骗", "Fraud"),
    "school": Phrase("学校与考试", "School and exams"),
    "technology": Phrase("科技", "Technology"),
}

ORIGINS: dict[str, Phrase] = {
    "chatbranch sample library": Phrase("chatbranch 随附资料", "chatbranch sample library")
}


def topic_name(topic: str, lang: str) -> str:
    """How a topic is called in `lang`."""
    return TOPICS[topic].say(lang) if topic in TOPICS else topic.replace("_", " ")


def origin_name(origin: str, lang: str) -> str:
    """How the one whom a check was imported from is called in `lang`."""
    return ORIGINS[origin].say(lang) if origin in ORIGINS else origin
