"""Reads about the association. Members and blocs are public to members; the first argument is who looks."""

from __future__ import annotations

from chatbranch.branch.models import Branch


def branch_name() -> str:
    """The association's name, empty before it is founded."""
    return Branch.objects.values_list("name", flat=True).first() or ""
