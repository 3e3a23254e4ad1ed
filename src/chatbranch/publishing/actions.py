"""Publishing's standing work: the hub asks, tells and tidies."""

from __future__ import annotations

from chatbranch.publishing.hub import do_ask, do_confirm, do_distribute, do_tidy

__all__ = ["do_ask", "do_call_subscribers", "do_confirm", "do_distribute", "do_tidy"]


def do_call_subscribers() -> bool:
    """Confirm requests to the hub, and tell subscribers what has changed; whether there was anything to do."""
    did = False
    while do_confirm() | do_distribute():
        did = True
    return did
