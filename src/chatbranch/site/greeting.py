"""What a branch says on the terminal once its pages answer."""

from __future__ import annotations

import webbrowser

import click
from django.conf import settings

from chatbranch.branch import queries
from chatbranch.branch.actions import do_prepare_founding
from chatbranch.site.demo_views import is_demo


def greet(*, browser: bool) -> None:
    """Say where the branch is; with `browser`, open it."""
    lines = _lines(settings.CONFIG.url)
    click.echo("\n".join(lines))
    if browser:
        webbrowser.open(lines[-1].split()[-1])  # some browsers only come back when they are closed


def _lines(url: str) -> list[str]:
    """The last one ends with the address to open."""
    if is_demo():
        return ["", f"  A fictional branch is running; choose whom to be at   {url}/demo/"]
    if queries.is_founded():
        return ["", f"  {queries.branch_name()} is running at   {url}/"]
    link = f"{url}/found/{do_prepare_founding()}/"
    return ["", "  No branch has been founded here yet. Open this link, once, to found it:", f"  {link}"]
