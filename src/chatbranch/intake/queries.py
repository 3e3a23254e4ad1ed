"""Reads about submissions. Whoever holds a submission's token is its asker."""

from __future__ import annotations

from chatbranch.intake.answers import Answer
from chatbranch.intake.models import Submission


def submission_of(token: str) -> Submission | None:
    """The answered submission with this token."""
    if not (token.isascii() and token.isprintable()):  # PostgreSQL takes no NUL
        return None
    return Submission.objects.filter(token=token, state=Submission.State.ANSWERED).first()


def answer_of(token: str) -> Answer | None:
    """The answer as it was given, for whoever holds the token."""
    submission = submission_of(token)
    return Answer(**submission.result) if submission else None
