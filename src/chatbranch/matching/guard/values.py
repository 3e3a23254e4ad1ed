"""When do two slots of one kind say the same?"""

from __future__ import annotations

from collections.abc import Sequence

from chatbranch.matching.guard.quantities import Quantity, same_amount
from chatbranch.matching.guard.tokens import DATES, Token

_SHORTEST_PART = 4  # letters of a name that may be recognised inside a handle


def agree(a: Token, b: Token) -> bool:
    """Whether two tokens of one type and key mean the same thing; negators and speakers always do."""
    if a.type in ("negator", "speaker", "word", "stop"):
        return True
    if a.type == "number":
        return same_amount(quantity(a), quantity(b))
    if a.type == "name":
        return _same_name(a.value, b.value)
    if a.type in ("place", "thing"):
        return _contains(str(a.value[-1]), str(b.value[-1]))
    return a.value == b.value or (a.type == "clock" and _same_time(a, b))


def quantity(token: Token) -> Quantity:
    """The number a number token carries."""
    value = token.value[0]
    assert isinstance(value, Quantity)
    return value


def _same_time(a: Token, b: Token) -> bool:
    """三点 and 下午三点 do not contradict each other; 8 am and 8 pm, which both tell the half of the day, do."""
    apart = abs(int(str(a.value[0])) - int(str(b.value[0])))
    return a.value[1] == b.value[1] and (apart == 0 or (apart == 12 and not (a.value[2] and b.value[2])))


def _contains(a: str, b: str) -> bool:
    return a == b or (
        not a.isascii()
        and min(len(a), len(b)) > 1
        and (a.endswith(b) or b.endswith(a) or a.startswith(b) or b.startswith(a))
    )


def _same_name(a: Sequence[object], b: Sequence[object]) -> bool:
    left, right = [str(part) for part in a], [str(part) for part in b]
    if not left or not right:
        return True
    if not (left[0].isascii() and right[0].isascii()):
        return left[0] in right[0] or right[0] in left[0]
    if set(left) <= set(right) or set(right) <= set(left):
        return True
    return (
        _abbreviates(left, right)
        or _abbreviates(right, left)
        or _in_handle(left, right)
        or _in_handle(right, left)
    )


def _abbreviates(short: list[str], full: list[str]) -> bool:
    return (
        len(short) == 1 and len(full) > 1 and short[0].replace(".", "") == "".join(part[0] for part in full)
    )


def _in_handle(name: list[str], handle: list[str]) -> bool:
    return len(handle) == 1 and any(len(part) >= _SHORTEST_PART and part in handle[0] for part in name)


def stands_in(token: Token, others: Sequence[Token], text: str) -> bool:
    """Whether what ``token`` says is said anywhere among ``others`` or, for names, in the lower-case ``text``."""
    if any(o.type == token.type and o.key == token.key and agree(token, o) for o in others):
        return True
    if token.type == "name":
        return _written(token, text)
    if token.type in ("place", "thing"):
        return str(token.value[-1]).lower() in text or token.text.lower() in text
    return token.type == "number" and _as_date(token, others)


def _written(token: Token, text: str) -> bool:
    parts = [str(part) for part in token.value]
    if not parts or not parts[0].isascii():
        return any(part in text for part in parts)
    return parts[-1] in text or "".join(parts) in text


def _as_date(token: Token, others: Sequence[Token]) -> bool:
    number = quantity(token)
    return any(o.type in DATES and number.raw in o.value for o in others)
