"""A route drawn as a picture: the conversation in the middle, its rooms around it, flow and trouble on the lines. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 420, 260
ROOM_WIDTH, ROOM_HEIGHT = 128, 56


@dataclass(frozen=True)
class Spoke:
    """One room: the middle of its box, where its line ends at the hub, and how thick the line is (px)."""

    x: float
    y: float
    thickness: float

    @property
    def left(self) -> float:
        return self.x - ROOM_WIDTH / 2

    @property
    def top(self) -> float:
        return self.y - ROOM_HEIGHT / 2


def spokes(flows: Sequence[int]) -> list[Spoke]:
    """Rooms on an ellipse around the hub, clockwise from the top left. flows: messages of the last day to each room."""
    across, down = (WIDTH - ROOM_WIDTH) / 2 - 4, (HEIGHT - ROOM_HEIGHT) / 2 - 4
    first = -math.pi * 3 / 4 if len(flows) > 2 else math.pi
    return [
        Spoke(
            round(WIDTH / 2 + across * math.cos(angle), 1),
            round(HEIGHT / 2 + down * math.sin(angle), 1),
            round(1.5 + min(6.0, math.log2(1 + flow) / 2), 1),
        )
        for n, flow in enumerate(flows)
        for angle in [first + 2 * math.pi * n / max(1, len(flows))]
    ]
