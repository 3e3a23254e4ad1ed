"""What settings are refused, and what follows from them without any server."""

from __future__ import annotations

import pytest

from chatbranch.connectors.contract import Connector, Misconfigured
from chatbranch.connectors.discover import build, setups
from chatbranch.connectors.irc.pace import Pace
from chatbranch.connectors.irc.registration import alternative
from chatbranch.connectors.irc.rooms import join_commands


def irc(**settings: str) -> Connector:
    return build(setups()["irc"], {"server": "irc.example.org", "nick": "checkbot", **settings})


@pytest.mark.parametrize(
    "wrong",
    [
        {"server": "irc.example.org/x y"},
        {"nick": "two words"},
        {"nick": "1check"},
        {"port": "70000"},
        {"tls": "perhaps"},
        {"channels": "branch"},
        {"channels": "#a", "channel_keys": "#b=x"},
        {"burst": "0"},
        {"per_second": "fast"},
        {"password": "se\ncret"},
        {"tls": "off", "password": "secret"},
    ],
    ids=lambda wrong: ",".join(wrong),
)
def test_a_setting_that_cannot_work_is_refused_by_name_without_its_secret(wrong: dict[str, str]) -> None:
    with pytest.raises(Misconfigured, match=r"irc\.") as refused:
        irc(**wrong)
    assert "cret" not in str(refused.value)


def test_a_password_may_stay_on_this_machine_without_tls() -> None:
    irc(server="localhost", tls="off", password="secret")


def test_lines_leave_at_once_until_the_burst_is_used_up_then_one_after_another() -> None:
    now = 0.0
    pace = Pace(5, 0.5, lambda: now)
    for _ in range(5):
        assert pace.wait() == 0
        pace.take()
    assert pace.wait() == 2
    now = 2.0
    assert pace.wait() == 0
    pace.take()
    assert pace.wait(3) == 6
    now = 1000.0
    assert pace.wait(5) == 0
    assert pace.wait(6) == 2  # what is saved up is never more than the burst
    assert Pace(1, 0, lambda: now).wait(1000) == 0


def test_another_nick_is_like_ours_and_no_two_tries_are_alike() -> None:
    tried = [alternative("checkbot9", number) for number in range(1, 9)]
    assert len({*tried, "checkbot9"}) == 9
    assert all(len(nick) <= 9 and nick.startswith("check") for nick in tried)


def test_many_channels_are_joined_in_lines_a_server_takes() -> None:
    rooms = [("#secret", "sesame"), *((f"#room{number}", "") for number in range(200))]
    commands = join_commands(rooms)
    assert commands[0][1] == "sesame"
    assert [name for command in commands for name in command[0].split(",")] == [name for name, _ in rooms]
    assert all(len(" ".join(["JOIN", *command])) < 510 for command in commands)
