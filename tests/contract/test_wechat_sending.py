"""What the WeChat connector sends, and what the platform makes of it: the window, the quotas, the token."""

from __future__ import annotations

import asyncio

import pytest

from chatbranch.connectors.contract import Later, Misconfigured, Undeliverable
from chatbranch.kernel.messages import Attachment, Outbound
from tests.servers.recorder import Recorder, running, until
from tests.servers.wechat import HOUR, PNG, wechat
from tests.servers.wechat import WeChat as Platform
from tests.servers.wechat_office import connect


def test_a_message_is_sent_and_counts_on_the_reader_s_allowance() -> None:
    with wechat() as platform:
        ann, connector = platform.reader(), connect(platform)
        ann.allowances = [(platform.now() + HOUR, 5)]
        asyncio.run(
            connector.send(Outbound("k", ann.openid, "结论：不实。😀\n依据：https://health.example/"))
        )
    assert ann.seen == ["结论：不实。😀\n依据：https://health.example/"]


def test_a_long_text_is_sent_in_parts_and_goes_on_where_it_was_interrupted() -> None:
    long = "".join(f"第{number}句，说得很清楚。" for number in range(180))
    with wechat() as platform:
        ann, connector = platform.reader(), connect(platform)
        ann.allowances = [(platform.now() + HOUR, 2)]

        async def tell() -> None:
            with pytest.raises(Later):
                await connector.send(Outbound("k", ann.openid, long))
            ann.allowances = [(platform.now() + HOUR, 5)]  # the reader wrote again
            await connector.send(Outbound("k", ann.openid, long))

        asyncio.run(tell())
    assert "".join(ann.seen) == long
    assert all(len(part) <= 600 for part in ann.seen)


def test_pictures_are_sent_and_other_files_are_named() -> None:
    files = (Attachment("card.png", "image/png", PNG), Attachment("a.pdf", "application/pdf", b"%PDF"))
    with wechat() as platform:
        ann, connector = platform.reader(), connect(platform)
        ann.allowances = [(platform.now() + HOUR, 5)]
        asyncio.run(connector.send(Outbound("k", ann.openid, "看图", attachments=files)))
        text, picture = ann.seen
        assert platform.media[picture.strip("[]")] == PNG
    assert text.startswith("看图\n")
    assert "a.pdf" in text


@pytest.mark.parametrize(
    ("code", "kind", "words_of_it"),
    [
        (45015, Undeliverable, "48小时"),
        (45047, Later, "until the reader writes again"),
        (45009, Later, "used up"),
        (45011, Later, "too many"),
        (-1, Later, "busy"),
        (48001, Later, "wechat.verified"),
        (40164, Later, "whitelist"),
        (43004, Undeliverable, "取消关注"),
        (43005, Undeliverable, "取消关注"),
        (40003, Undeliverable, "no such reader"),
        (50002, Undeliverable, "restricted"),
        (45157, Exception, "45157"),
    ],
)
def test_what_wechat_refuses_is_said_plainly(code: int, kind: type[Exception], words_of_it: str) -> None:
    with wechat() as platform:
        connector = connect(platform)

        async def tell() -> None:
            await connector._api.sign_in()
            platform.answers = [{"errcode": code, "errmsg": "quotes what we sent"}]
            with pytest.raises(kind, match=words_of_it) as said:
                await connector.send(Outbound("k", "o1", "结论"))
            assert isinstance(said.value, Later | Undeliverable) == (kind is not Exception)
            assert "quotes" not in str(said.value)

        asyncio.run(tell())


def test_the_window_and_the_quota_of_five_are_the_platform_s() -> None:
    with wechat() as platform:
        ann, connector = platform.reader(), connect(platform)
        ann.allowances = [(platform.now() + 48 * HOUR, 5)]

        async def tell() -> None:
            for number in range(5):
                await connector.send(Outbound(f"k{number}", ann.openid, f"第{number}条"))
            with pytest.raises(Later):
                await connector.send(Outbound("k5", ann.openid, "第六条"))
            platform.ahead = 49 * HOUR
            with pytest.raises(Undeliverable, match="48"):
                await connector.send(Outbound("k5", ann.openid, "第六条"))

        asyncio.run(tell())
    assert len(ann.seen) == 5


@pytest.mark.parametrize("how", ["ended", "replaced"])
def test_a_token_that_ended_is_renewed_once_and_one_is_used_for_many_messages(how: str) -> None:
    with wechat() as platform:
        ann, connector = platform.reader(), connect(platform)
        ann.allowances = [(platform.now() + HOUR, 50)]

        async def tell() -> None:
            for number in range(3):
                await connector.send(Outbound(f"k{number}", ann.openid, "x"))
            assert platform.asked.count("/cgi-bin/stable_token") == 1
            if how == "ended":
                platform.tokens = dict.fromkeys(platform.tokens, 0.0)
            else:
                platform.tokens.clear()
            await asyncio.gather(*(connector.send(Outbound(f"m{n}", ann.openid, "y")) for n in range(8)))
            assert platform.asked.count("/cgi-bin/stable_token") == 2

        asyncio.run(tell())
    assert ann.seen == ["x"] * 3 + ["y"] * 8


def test_a_token_wechat_no_longer_takes_though_it_gives_it_is_forced_anew() -> None:
    with wechat() as platform:
        ann, connector = platform.reader(), connect(platform)
        ann.allowances = [(platform.now() + HOUR, 50)]

        async def tell() -> None:
            await connector.send(Outbound("k", ann.openid, "x"))
            platform.answers = [{"errcode": 40001, "errmsg": ""}]
            await connector.send(Outbound("k2", ann.openid, "y"))

        asyncio.run(tell())
        assert len(platform.tokens) == 1
    assert ann.seen == ["x", "y"]


async def test_a_wrong_secret_is_named_at_the_start_and_so_is_a_missing_whitelist(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with wechat() as platform:
        host = Recorder()
        with pytest.raises(Misconfigured, match=r"wechat\.secret"):
            await connect(platform, secret="f" * 32).run(host)
        platform.whitelisted = False
        with pytest.raises(Misconfigured, match="whitelist"):
            await connect(platform).run(host)
        platform.whitelisted = True
        async with running(connect(platform), host):
            await until(lambda: host.health[-1][0] == "connected")
    assert [health for health, _ in host.health] == ["broken", "broken", "connected"]
    assert "f" * 32 not in caplog.text


async def test_wechat_being_away_means_try_again_and_is_reported() -> None:
    with wechat() as gone:
        pass
    host = Recorder()
    connector = connect(gone)
    async with running(connector, host):
        await until(lambda: host.health)
        with pytest.raises(Exception, match="reached") as problem:
            await connector.send(Outbound("k", "o1", "x"))
    assert not isinstance(problem.value, Later | Undeliverable)
    assert host.health[0][0] == "reconnecting"


def test_no_token_or_secret_is_ever_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with wechat() as platform:
        ann, connector = platform.reader(), connect(platform)
        ann.allowances = [(platform.now() + HOUR, 1)]

        async def tell() -> None:
            await connector.send(Outbound("k", ann.openid, "x"))
            with pytest.raises(Later) as said:
                await connector.send(Outbound("k2", ann.openid, "x"))
            caplog.handler.format(caplog.records[0])
            assert "token-" not in repr(said.value.__context__)

        asyncio.run(tell())
        secrets = [*platform.tokens, platform.secret, platform.token, platform.aes_key]
    assert caplog.text
    assert not [secret for secret in secrets if secret in caplog.text or secret in repr(connector)]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"appid": "abc"}, r"wechat\.appid"),
        ({"token": "a b"}, r"wechat\.token"),
        ({"aes_key": "short"}, r"wechat\.aes_key"),
        ({"verified": "perhaps"}, r"wechat\.verified"),
        ({"api": "http://api.weixin.qq.com"}, r"wechat\.api"),
        ({"secret": ""}, r"wechat\.secret"),
    ],
    ids=["appid", "token", "aes_key", "verified", "api", "secret"],
)
def test_a_setting_that_cannot_work_is_named(wrong: dict[str, str], named: str) -> None:
    with pytest.raises(Misconfigured, match=named):
        connect(Platform(port=1), **wrong)
