"""A progress bar for whoever waits at a terminal."""

from __future__ import annotations

import sys
from typing import Any

import click


class Bar:
    """A progress bar that learns its length as it goes."""

    def __init__(self, label: str) -> None:
        self._bar: Any = None
        self._label = label

    def __enter__(self) -> Bar:
        return self

    def at(self, done: int, total: int) -> None:
        """Show that `done` of `total` are done."""
        if total <= 0:
            return
        if self._bar is None:
            self._bar = click.progressbar(length=max(total, 1), label=self._label, file=sys.stderr)
            self._bar.__enter__()
        self._bar.length = max(total, 1)
        self._bar.update(done - self._bar.pos)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.render_finish()
