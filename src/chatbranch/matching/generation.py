"""Which folder of the index is in use, and whether this program can read it: two small files, and nothing loaded for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FORMAT = 5  # raised when a directory written before can no longer be read: it is then rebuilt


def named_generation(directory: Path) -> Path | None:
    """The folder that ``current`` names, whether or not this program can read it."""
    try:
        name = (directory / "current").read_text().strip()
    except (OSError, ValueError):
        return None
    folder = directory / name
    return folder if name and folder.is_dir() else None


def current_generation(directory: Path) -> Path | None:
    """The folder of the generation in use, if there is one that this program can read."""
    folder = named_generation(directory)
    return folder if folder is not None and read_space(folder).get("format") == FORMAT else None


def read_space(folder: Path) -> dict[str, Any]:
    """What a generation says of itself: format, and digest and dimension of the encoder; empty where it says nothing."""
    try:
        space = json.loads((folder / "space.json").read_text())
    except (OSError, ValueError):
        return {}
    return space if isinstance(space, dict) else {}
