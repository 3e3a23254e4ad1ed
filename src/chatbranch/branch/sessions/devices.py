"""What a device is called, in plain words, from what its browser says of itself. Pure; a hint for its owner, no more."""

from __future__ import annotations

from chatbranch.kernel.phrases import Phrase

_DEVICES = (
    ("iPhone", "iphone", Phrase("iPhone", "an iPhone")),
    ("iPad", "ipad", Phrase("iPad", "an iPad")),
    ("HarmonyOS", "harmony", Phrase("鸿蒙手机", "a HarmonyOS phone")),
    ("Android", "android", Phrase("安卓手机", "an Android phone")),
    ("Windows", "windows", Phrase("Windows 电脑", "a Windows computer")),
    ("Macintosh", "mac", Phrase("苹果电脑", "a Mac")),
    ("Linux", "linux", Phrase("Linux 电脑", "a Linux computer")),
)
_BROWSERS = (
    ("MicroMessenger", "wechat", Phrase("微信", "WeChat")),
    ("Edg", "edge", Phrase("Edge", "Edge")),
    ("Firefox", "firefox", Phrase("火狐", "Firefox")),
    ("FxiOS", "firefox", Phrase("火狐", "Firefox")),
    ("Chrome", "chrome", Phrase("Chrome", "Chrome")),
    ("CriOS", "chrome", Phrase("Chrome", "Chrome")),
    ("Safari", "safari", Phrase("Safari", "Safari")),
)
_ON = Phrase("{device}上的{browser}", "{browser} on {device}")
_SOME = Phrase("某个浏览器", "some browser")
_SOME_DEVICE = Phrase("某台设备", "some device")


def device(user_agent: str) -> str:
    """A short name for a browser on a device: "safari iphone"; "" for either that it does not say."""
    found = [
        next((code for mark, code, _ in table if mark in user_agent), "") for table in (_BROWSERS, _DEVICES)
    ]
    return " ".join(found).strip()


def words(name: str) -> Phrase:
    """What that name is in plain words."""
    parts = name.split()
    browser = next((phrase for _, code, phrase in _BROWSERS if code in parts), _SOME)
    thing = next((phrase for _, code, phrase in _DEVICES if code in parts), _SOME_DEVICE)
    return Phrase(
        _ON.zh.format(device=thing.zh, browser=browser.zh), _ON.en.format(device=thing.en, browser=browser.en)
    )
