"""What the account says by itself. Everything else it says comes from the house."""

from __future__ import annotations

import re

from chatbranch.kernel.phrases import Phrase
from chatbranch.kernel.text import language

WELCOME = Phrase(
    "您好，谢谢关注。看到可疑的消息，把文字、链接或截图发到这里，我们帮您查证：查过的马上告诉您结果；"
    "没查过的交成员核查，给您一个查询码，随时发来可看进展。发“忘记我”，就删除您的联系方式。",
    "Hello, and thank you for following. Send us a message you doubt (text, link or screenshot): what was checked "
    "is answered at once; what is new goes to our members, and you get a code to see where it stands. "
    'Send "forget me" to delete your contact.',
)
SLOW = Phrase(
    "收到了，正在看。要是过一会儿还没有回音，请再发一次。",
    "We have it and are looking. If you hear nothing for a while, please send it again.",
)
STILL_LOOKING = Phrase(
    "收到了，还在查。过一会儿发“1”来看结果。",
    'We have it and are still looking. Send "1" in a moment to see the answer.',
)
MORE = Phrase("（还有，发“1”继续看）", '(There is more: send "1".)')
NOTHING_WAITS = Phrase(
    "现在没有等着您看的消息。要查什么，直接发来就好；有查询码的，发查询码可看进展。",
    "Nothing is waiting for you just now. Send what you want checked, or a code to see where it stands.",
)
NOT_TAKEN = Phrase(
    "抱歉，刚才这条没能收下。请过几分钟再发一次。",
    "Sorry, we could not take that message. Please send it again in a few minutes.",
)
NO_PICTURE = Phrase(
    "抱歉，这张图片没能取到。请再发一次，或把图里的文字发来。",
    "Sorry, we could not fetch that picture. Please send it again, or send the words in it.",
)
NO_VOICE = Phrase(
    "抱歉，语音我们还听不了。请长按那条语音，选“转文字”，再把文字发来。",
    "Sorry, we cannot listen to voice messages yet. Press and hold it, choose “Convert to Text”, and send us the text.",
)
NO_VIDEO = Phrase(
    "抱歉，视频我们还看不了。请把里面说的话，或关键画面的截图发来。",
    "Sorry, we cannot watch videos yet. Please send what is said in it, or a screenshot of what matters.",
)
NOT_THIS = Phrase(
    "抱歉，这类消息我们还看不了。请发文字、链接或截图。",
    "Sorry, we cannot read this kind of message yet. Please send text, a link or a screenshot.",
)
LEFT_OUT = Phrase("（附件“{name}”在微信里发不出来）", "(The file “{name}” cannot be sent in WeChat.)")


def say(phrase: Phrase, text: str) -> str:
    """The phrase in the language of what the reader wrote; a code or a "1" may be anybody's, and most read Chinese."""
    return phrase.say(language(text) if has_words(text) else "zh-Hans")


def has_words(text: str) -> bool:
    """Whether there is a letter in it, of any script."""
    return re.search("[^\\W\\d_]", text) is not None


def both(phrase: Phrase, **places: object) -> str:
    """In both languages, where nothing is known about the reader."""
    return f"{phrase.say('zh-Hans', **places)}\n{phrase.say('en', **places)}"
