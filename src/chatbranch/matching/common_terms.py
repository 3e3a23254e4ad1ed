"""Terms that nearly every text of a language holds. They tell little, however small the library is in which they
happen to be rare; written by hand, so that the first sixty claims of a new branch are matched as well as the next
hundred thousand.
"""

from __future__ import annotations

from chatbranch.kernel.text import normalise, tokens

_ENGLISH = """
a about after all also am an and any are as at be because been before being but by can could did do does doing done
down for from get getting give go going got had has have having he her here hers him his how i if in into is it its
just know let like made make many may me might more most much must my new no not now of off on one only or other our
out over people really said say says see she should so some still such take tell than that the their them then there
these they thing this those through to today too two under until up us use used very want was way we well were what
when where which while who whom whose why will with would yes yet you your yours
amp breaking claim claims everyone facebook fact false forward forwarded image news photo please post posted read
reportedly rt share shared show shows story true tweet tweets twitter video viral watch
"""
_CHINESE = """
一个 一下 一些 一定 一样 一种 一直 不会 不是 不要 不能 为了 为什么 之后 之前 也是 也有 了解 什么 今天 他们 你们 但是 便是
关于 其实 几个 刚刚 别人 千万 却是 又是 发现 只是 只有 只要 可以 可能 各位 吗 听说 告诉 和 哪些 因为 因此 大家 她们 如何
如果 导致 就会 就是 已经 希望 应该 开始 当时 很多 得到 必须 怎么 怎样 感觉 所以 所有 据说 收到 朋友 时候 时间 是不是 更多
最近 有些 有人 有没有 有的 朋友圈 来自 某些 没有 注意 消息 然后 现在 甚至 由于 的 的人 的话 目前 看到 真的 真相 知道 突然
而且 而是 自己 虽然 被 要是 要求 觉得 许多 谁 赶快 赶紧 起来 转发 转给 转告 辟谣 过去 还是 还有 还没 这个 这么 这些 这是
这样 这种 通知 通过 速转 那个 那么 那些 那样 都是 都有 里面 问题 需要 非常 首先 紧急 扩散 快转 网传 视频 图片 微信 微博
"""

COMMON = frozenset(tokens(normalise(_ENGLISH).text)) | frozenset(
    term for word in _CHINESE.split() for term in tokens(word)
)
