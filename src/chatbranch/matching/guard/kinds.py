"""How the kinds of difference are called (compare.Difference.kind)."""

from __future__ import annotations

from chatbranch.kernel.phrases import Phrase

KINDS: dict[str, Phrase] = {
    "number": Phrase("数字", "number"),
    "date": Phrase("日期", "date"),
    "place": Phrase("地点", "place"),
    "name": Phrase("名称", "name"),
    "unit": Phrase("单位", "unit"),
    "negation": Phrase("肯定与否定", "yes or no"),
    "denial": Phrase("说法（像是在辟谣）", "stance (it reads like a denial)"),
    "quantifier": Phrase("范围", "extent"),
    "modality": Phrase("语气", "certainty"),
    "attribution": Phrase("出处", "attribution"),
}
