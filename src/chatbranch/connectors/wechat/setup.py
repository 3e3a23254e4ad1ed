"""What this connector is called, can do and needs."""

from __future__ import annotations

from chatbranch.connectors.contract import Capabilities, Setting, Setup
from chatbranch.kernel.phrases import Phrase

SETUP = Setup(
    name="wechat",
    title=Phrase("微信公众号", "WeChat Official Account"),
    # Of a verified account. One that is not verified cannot push: see transport.WeChat.capabilities.
    # 2,400 characters are four messages of 600: the platform allows five until the reader writes again.
    capabilities=Capabilities(attachments=True, files=True, webhook=True, characters=2400, per_second=2.0),
    settings=(
        Setting(
            "appid",
            Phrase("开发者ID（AppID）", "The account's AppID"),
            example="wx0123456789abcdef",
        ),
        Setting(
            "token",
            Phrase("令牌（Token），与后台所填一致", "The Token, as entered in the WeChat admin pages"),
            secret=True,
            example="BranchToken2026",
        ),
        Setting(
            "aes_key",
            Phrase(
                "消息加解密密钥（EncodingAESKey），43位；不填则为明文模式",
                "The EncodingAESKey, 43 characters; without it messages come in the clear",
            ),
            secret=True,
            required=False,
            example="abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
        ),
        Setting(
            "secret",
            Phrase(
                "开发者密钥（AppSecret）；已认证的账号要填",
                "The AppSecret; needed by a verified account",
            ),
            secret=True,
            required=False,
            example="0123456789abcdef0123456789abcdef",
        ),
        Setting(
            "verified",
            Phrase(
                "账号是否已认证（有客服消息接口）：true 或 false",
                "Whether the account is verified (may send customer-service messages): true or false",
            ),
            required=False,
            default="true",
        ),
        Setting(
            "api",
            Phrase("微信接口的地址", "Address of WeChat's API"),
            required=False,
            default="https://api.weixin.qq.com",
        ),
    ),
    transport="chatbranch.connectors.wechat.transport:WeChat",
)
