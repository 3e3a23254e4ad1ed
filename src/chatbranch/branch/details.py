"""What is asked of a new outlet and a new member: as little as the work needs, and never an identity document."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from chatbranch.branch import rules
from chatbranch.branch.models import Member
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase

_USERNAME = re.compile(r"[\w.\-]{2,60}")


@dataclass(frozen=True)
class NewOutlet:
    """An outlet about to join. `means` says what its bloc stands for: "audience" or "region". `peer`: the branch it belongs
    to, where that is not this one; it then needs no bloc."""

    name: str
    platform: str
    owner: str
    bloc: str
    means: str = "audience"
    address: str = ""
    peer: str = ""

    @classmethod
    def from_dict(cls, values: dict[str, str]) -> NewOutlet:
        """From a form or an invitation's row; spaces at the edges are dropped, missing values are empty."""
        return cls(**{name: " ".join(str(values.get(name, "")).split()) for name in cls.__dataclass_fields__})

    def as_dict(self) -> dict[str, str]:
        return asdict(self)

    def check(self) -> None:
        """Refuses what is missing or too long, naming the field."""
        needed = {
            "name": (self.name, 120, Phrase("请写账号的名字。", "Please name the outlet.")),
            "platform": (
                self.platform,
                40,
                Phrase("请写账号所在的平台。", "Please name the platform it publishes on."),
            ),
            "owner": (
                self.owner,
                120,
                Phrase("请写账号由谁负责。", "Please say who is responsible for the outlet."),
            ),
        }
        if self.peer:
            needed["peer"] = (
                self.peer,
                120,
                Phrase("友会的名字太长了。", "The peer branch's name is too long."),
            )
        else:
            needed["bloc"] = (self.bloc, 80, Phrase("请写账号所属的圈。", "Please name the outlet's bloc."))
        for field, (value, most, phrase) in needed.items():
            if not value or len(value) > most:
                raise Refused(f"outlet-{field}", phrase, field=field)
        if not self.peer and self.means not in rules.BLOC_MEANS:
            raise Refused(
                "outlet-means", Phrase("请选圈的含义。", "Please choose what the bloc means."), field="means"
            )
        if len(self.address) > 300:
            raise Refused(
                "outlet-address", Phrase("地址太长了。", "The address is too long."), field="address"
            )


@dataclass(frozen=True)
class Person:
    """A member to be: the name others see, the name they sign in with, a password."""

    name: str
    username: str
    password: str
    lang: str = "zh-Hans"

    def check(self) -> None:
        """Refuses a missing name, a sign-in name that cannot be typed, and a weak password."""
        if not self.name or len(self.name) > 80:
            raise Refused(
                "person-name", Phrase("请写您的称呼。", "Please say what we should call you."), field="person"
            )
        if not _USERNAME.fullmatch(self.username):
            raise Refused(
                "person-username",
                Phrase(
                    "登录名用 2 到 60 个字母、汉字、数字、点、横线。",
                    "A sign-in name has 2 to 60 letters, digits, dots or dashes.",
                ),
                field="username",
            )
        self.check_password()

    def check_password(self) -> None:
        """Refuses a password that is short, common, or like the names."""
        try:
            validate_password(self.password, Member(username=self.username, name=self.name))
        except ValidationError as error:
            raise Refused(
                "password-weak",
                Phrase(
                    "密码太容易被猜到：至少 12 个字符，不要用常见的或和名字相近的。",
                    "This password is easy to guess: use at least 12 characters, nothing common or close to your name.",
                ),
                field="password",
            ) from error
