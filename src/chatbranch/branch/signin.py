"""Sign-in policy on top of django-allauth: members come by invitation only."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class Adapter(DefaultAccountAdapter):
    """No public sign-up: a member is made from an invitation."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
