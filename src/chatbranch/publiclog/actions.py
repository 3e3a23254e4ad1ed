"""Writing the log: append, sign, publish. In this order, and each step can be repeated after a crash."""

from __future__ import annotations

from chatbranch.publiclog.appending import Draft, do_append
from chatbranch.publiclog.publishing import do_publish

__all__ = ["Draft", "do_append", "do_publish"]
