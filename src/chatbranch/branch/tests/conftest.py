"""A founded branch and its people, made by the same actions as in life."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytest_django import Settings

from chatbranch.branch import actions
from chatbranch.branch.details import NewOutlet, Person
from chatbranch.branch.models import Member

PASSWORD = "绿豆 sails past seven lamps"


def outlet(
    name: str = "江边报", owner: str = "", bloc: str = "银发读者", means: str = "audience"
) -> NewOutlet:
    return NewOutlet(name=name, platform="公众号", owner=owner or f"{name}编辑部", bloc=bloc, means=means)


def person(username: str = "wen") -> Person:
    return Person(name=username.title(), username=username, password=PASSWORD)


@pytest.fixture(autouse=True)
def quick_passwords(settings: Settings) -> None:
    """Django's password hashing is slow on purpose; nothing here depends on that."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def steward(db: None) -> Member:
    """The founder of a branch of one."""
    token = actions.do_prepare_founding()
    return actions.do_found(token, name="南湾分会", charter="", outlet=outlet(), person=person("wen"))


@pytest.fixture
def join(steward: Member) -> Callable[..., Member]:
    """Lets somebody join by invitation: join("lan", "海风网")."""

    def joined(username: str, name: str = "江边报", *, role: str = "member", **details: str) -> Member:
        token = actions.do_invite(steward, outlet(name, **details), role)
        return actions.do_join(token, person(username))

    return joined
