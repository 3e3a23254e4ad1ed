"""From the first line to RPL_WELCOME: capabilities (IRCv3 CAP 302), SASL PLAIN, a nick that is free."""

from __future__ import annotations

from collections.abc import Callable

from chatbranch.connectors.contract import Misconfigured
from chatbranch.connectors.irc import wire
from chatbranch.connectors.irc.choices import Choices
from chatbranch.connectors.irc.link import Trouble

WANTED = (
    "message-tags",
    "server-time",
    "account-tag",
    "echo-message",
    "batch",
    "labeled-response",
    "draft/chathistory",
    "cap-notify",
    "chghost",
)
HISTORY = "draft/chathistory"
TAKEN = ("433", "436", "437")  # ERR_NICKNAMEINUSE, ERR_NICKCOLLISION, ERR_UNAVAILRESOURCE
NOT_SIGNED_IN = ("902", "904", "905", "906", "907")

Say = Callable[..., None]


class Registration:
    """What is said until the server welcomes us. `take` is handed every line until then."""

    def __init__(self, choices: Choices, say: Say) -> None:
        self._choices, self._say = choices, say
        self._offered: dict[str, str] = {}
        self._asked: set[str] = set()
        self.caps: set[str] = set()
        self.nick = choices.nick
        self.signed_in = False
        self.done = False
        self._tries = 0

    def start(self) -> None:
        """Introduce ourselves."""
        self._say("CAP", "LS", "302")
        if self._choices.server_password:
            self._say("PASS", self._choices.server_password)
        self._say("NICK", self.nick)
        self._say("USER", "chatbranch", "0", "*", self._choices.name)

    def take(self, line: wire.Line) -> None:
        """Go on from this answer. Raises Misconfigured where the server will not have us as set up."""
        match line.command:
            case "CAP":
                self._capabilities(line)
            case "AUTHENTICATE" if line.param(0) == "+":
                for part in wire.sasl_plain(self._choices.account, self._choices.password):
                    self._say("AUTHENTICATE", part)
            case "903":
                self.signed_in = True
                self._say("CAP", "END")
            case "001":
                self._welcome(line)
            case command if command in TAKEN:
                self._next_nick()
            case command:
                self._refusal(command, line.param(-1))

    def _capabilities(self, line: wire.Line) -> None:
        names = line.param(-1).split()
        match line.param(1).upper():
            case "LS":
                self._offered |= {name: value for name, _, value in (each.partition("=") for each in names)}
                if line.param(2) != "*":  # more lines of it follow
                    self._ask()
            case "ACK":
                self.caps |= {each for each in names if not each.startswith("-")}
                self._answered(names)
            case "NAK" if len(names) > 1:
                for name in names:
                    self._say("CAP", "REQ", name)
            case "NAK":
                self._answered(names)

    def _ask(self) -> None:
        wanted = [*WANTED, *(["sasl"] if self._choices.password else [])]
        self._asked = {name for name in wanted if name in self._offered}
        if self._asked:
            self._say("CAP", "REQ", " ".join(sorted(self._asked)))
        else:
            self._negotiated()

    def _answered(self, names: list[str]) -> None:
        if self._asked:
            self._asked -= {each.lstrip("-") for each in names}
            if not self._asked:
                self._negotiated()

    def _negotiated(self) -> None:
        if not self._choices.password:
            self._say("CAP", "END")
            return
        mechanisms = self._offered.get("sasl", "")
        if "sasl" not in self.caps or (mechanisms and "PLAIN" not in mechanisms.split(",")):
            raise Misconfigured(_NO_SASL)
        self._say("AUTHENTICATE", "PLAIN")

    def _welcome(self, line: wire.Line) -> None:
        if self._choices.password and not self.signed_in:
            raise Misconfigured(_NO_SASL)
        self.nick, self.done = line.param(0), True

    def _next_nick(self) -> None:
        self._tries += 1
        if self._tries > 8:
            raise Trouble("昵称和相近的都有人用了 / the nick and everything like it are taken")
        self.nick = alternative(self._choices.nick, self._tries)
        self._say("NICK", self.nick)

    def _refusal(self, command: str, reason: str) -> None:
        if command in NOT_SIGNED_IN:
            raise Misconfigured(
                "服务器不认 irc.account 与 irc.password / the server refuses irc.account and irc.password"
            )
        if command == "432":  # ERR_ERRONEUSNICKNAME
            raise Misconfigured(
                f"服务器不许用这个 irc.nick / the server does not allow irc.nick: {reason[:100]}"
            )
        if command == "464":  # ERR_PASSWDMISMATCH
            raise Misconfigured("服务器不认 irc.server_password / the server refuses irc.server_password")
        if command == "465":  # ERR_YOUREBANNEDCREEP
            raise Misconfigured(
                f"服务器封了我们，请找管它的人 / the server bans us: ask those who run it ({reason[:100]})"
            )


_NO_SASL = (
    "服务器现在不提供密码登录（SASL PLAIN）：过一会儿再试，或去掉 irc.password / "
    "the server offers no sign-in by password (SASL PLAIN) now: try later, or take irc.password away"
    " (irc.server_password is for servers that have one of their own)"
)


def alternative(nick: str, number: int, longest: int = 9) -> str:
    """Another nick: check_, check__, then check3 …; one of more than `longest` characters is cut to make room."""
    tail = "_" * number if number < 3 else str(number)
    return f"{nick[: max(longest, len(nick)) - len(tail)] if len(nick) >= longest else nick}{tail}"
