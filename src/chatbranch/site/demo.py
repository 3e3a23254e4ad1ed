"""A fictional branch of six outlets in a fictional city, so that everything can be tried at once (`chatbranch up --demo`).

Only in a data folder that was empty, and only on this machine: the page /demo/ signs anyone in as any of its members.
"""

from __future__ import annotations

from datetime import timedelta

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.conf import settings

from chatbranch.branch import actions as branch
from chatbranch.branch import queries as branch_queries
from chatbranch.branch.details import NewOutlet, Person
from chatbranch.branch.models import Account, Member
from chatbranch.branch.proving import actions as proving
from chatbranch.cases import actions as cases
from chatbranch.cases.models import Case, Note
from chatbranch.conduct import actions as conduct
from chatbranch.intake import actions as intake
from chatbranch.kernel import clock, ids
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.messages import Inbound
from chatbranch.kernel.phrases import Phrase

MARK = "demo"
OUTLETS = [
    (
        NewOutlet("云岚早知道", "WeChat", "林晓舟", "老城读者", "audience", "yunlan-morning"),
        [("林晓舟", "lin"), ("赵一鸣", "zhao")],
    ),
    (
        NewOutlet("云岚街坊", "Weibo", "陈阿姨工作室", "老城读者", "audience", "yunlan-neighbours"),
        [("陈秀兰", "chen"), ("吴桐", "wu")],
    ),
    (
        NewOutlet("岚江校园", "Douyin", "校园视频社", "年轻读者", "audience", "lanjiang-campus"),
        [("周可", "zhou"), ("Emma Reed", "emma")],
    ),
    (
        NewOutlet("Yunlan in English", "Mastodon", "Daniel Osei", "年轻读者", "audience", "@yunlan"),
        [("Daniel Osei", "daniel")],
    ),
    (
        NewOutlet("岚江下游", "Telegram", "何守田", "下游乡镇", "region", "lanjiang-downstream"),
        [("何守田", "he"), ("罗小满", "luo")],
    ),
    (
        NewOutlet("云岚厨房", "blog", "苏青", "下游乡镇", "region", "https://kitchen.example"),
        [("苏青", "su")],
    ),
]
WATER = "紧急通知：云岚市自来水厂今晚八点起停水三天，请大家马上储水，转发给家人！"
ASKED = [
    (WATER, "zh-Hans"),
    ("【转】" + WATER, "zh-Hans"),
    ("緊急通知：雲嵐市自來水廠今晚八點起停水三天，請大家馬上儲水，轉發給家人！", "zh-Hant"),
    ("紧急通知：云岚市自来水厂今晚八点起停水三天，请大家马上储水🙏🙏", "zh-Hans"),
    ("东湖小学明天起停课一周，已经有二十多个孩子发烧住院，家长们互相转告", "zh-Hans"),
    (
        "Engineers found a three metre crack in the Yunlan Old Bridge, it can come down any day. Do not drive over it.",
        "en",
    ),
    ("我觉得新开的九路公交车线路设计得太差了，完全没有为老人着想", "zh-Hans"),
    ("云岚市民凭身份证可以在社区免费领取两箱防汛物资，截止到本周五", "zh-Hans"),
    ("岚江大坝昨晚出现管涌，下游三个镇连夜撤离，赶紧通知亲戚", "zh-Hans"),
]


def do_make_demo() -> None:
    """Fill an empty data folder with the fictional branch; nothing happens where it is there already."""
    mark = settings.CONFIG.data / MARK
    if mark.exists():
        return
    if branch_queries.is_founded():
        raise Refused(
            "not-empty",
            Phrase(
                "这个数据目录里已有真实的分会；演示请另选目录：--data DIR",
                "A real branch lives in this data folder; for a demo choose another: --data DIR",
            ),
        )
    members = _found()
    codes = [_ask(text, lang) for text, lang in ASKED]
    _work(members, codes)
    _prove_accounts(members)
    _complain(members)
    mark.touch(mode=0o600)


def _found() -> dict[str, Member]:
    members: dict[str, Member] = {}
    for outlet, people in OUTLETS:
        for name, username in people:
            person = Person(name, username, ids.new_token(), "en" if name.isascii() else "zh-Hans")
            if not members:
                made = branch.do_found(
                    branch.do_prepare_founding(),
                    name="云岚联合核查会",
                    charter="六个账号，一起把传言查清楚。只查事实，不评看法。",
                    outlet=outlet,
                    person=person,
                )
            else:
                known = next(
                    (each.outlet for each in members.values() if each.outlet.name == outlet.name), outlet
                )
                made = branch.do_add_member(person=person, outlet=known)
            _second_factor(made)
            members[username] = made
    return members


def _second_factor(member: Member) -> None:
    secret = get_adapter().encrypt(ids.new_token())
    Authenticator.objects.create(user=member, type=Authenticator.Type.TOTP, data={"secret": secret})


def _ask(text: str, lang: str) -> str:
    inbound = Inbound("web", ids.new_token(), "", str(ids.new_id()), text, clock.now(), lang=lang)
    _, answer = intake.do_check(inbound)
    return str(answer.case["code"]) if answer.case else ""


def _work(members: dict[str, Member], codes: list[str]) -> None:
    """Some work done already: urgency, evidence, a discussion, a note that waits for ratings, and one verdict."""
    case = {code: Case.objects.get(code=code) for code in dict.fromkeys(codes) if code}
    water, school, dam = case[codes[0]], case[codes[4]], case[codes[8]]
    cases.do_mark_urgent(members["he"], dam, True)
    cases.do_comment(
        members["luo"], dam, "我问了镇上的值班室，昨晚没有接到撤离通知，正在等水务站的书面回复。"
    )
    cases.do_add_evidence(
        members["chen"],
        water,
        url="https://water.example/notice/today",
        note="水厂今天的公告页，没有停水三天的内容",
    )
    cases.do_comment(members["zhou"], water, "去年也传过同样的话，只换了时间。")
    _note(
        members["chen"],
        water,
        "false",
        "云岚市自来水厂今晚八点起停水三天",
        "Yunlan waterworks will cut the supply for three days from eight tonight",
    )
    note = _note(
        members["zhou"],
        school,
        "misleading",
        "东湖小学停课一周，二十多个孩子发烧住院",
        "Donghu Primary closes for a week; over twenty children are in hospital with fever",
    )
    for rater, reason in (("lin", "good-sources"), ("daniel", "clear"), ("he", "to-the-point")):
        cases.do_rate(members[rater], note, value=1.0, reasons=[reason])


def _prove_accounts(members: dict[str, Member]) -> None:
    """Accounts that two members of other outlets have looked at; of one outlet, one that its platform closed since."""
    chen = members["chen"]
    closed = _seen(members, chen, "https://microblog.example/u/1080726")
    _seen(members, chen, "https://social.example/@yunlan-neighbours")
    _seen(members, members["lin"], "https://social.example/@yunlan-morning")
    proving.do_close_account(chen, closed, "platform")


def _complain(members: dict[str, Member]) -> None:
    """A reader's complaint about a post of 云岚厨房, which has been asked for its answer."""
    passage = "昨天已有三位老人吃了隔夜菜中毒住院"
    post = conduct.Post(
        url="https://kitchen.example/2026/leftovers",
        outlet=str(members["su"].outlet_id),
        passage=passage,
        clause="1",
        grounds="我问了区医院的急诊，昨天没有这样的病人；文章里也没有写是从哪里知道的。",
    )
    matter = conduct.do_complain(post, conduct.Complainant("zh-Hans")).complaint.matter
    conduct.do_open(members["luo"], matter, passage=passage, clause="1")
    conduct.do_add_evidence(
        members["luo"], matter, url="https://notice.example/clinic", note="区医院的答复：没有收治这样的病人"
    )
    conduct.do_ask(members["luo"], matter)


def _seen(members: dict[str, Member], owner: Member, address: str) -> Account:
    account = proving.do_add_account(owner, owner.outlet, address)
    code = proving.do_start_proving(owner, account, "shown")
    proving.do_ask_look(owner, code, f"{address}/1")
    for looker in ("zhou", "he"):
        proving.do_see(members[looker], code)
    return account


def _note(author: Member, case: Case, rating: str, zh: str, en: str) -> Note:
    return cases.do_propose_note(
        author,
        case,
        rating=rating,
        wording={"zh-Hans": zh, "en": en},
        explanation={
            "zh-Hans": "这是演示用的虚构事例。我们联系了有关单位，并看了当天的公告，情况与传言不符。",
            "en": "This is a fictional example for the demo. We asked those concerned and read that day's notice; it is not as the message says.",
        },
        sources=[
            {
                "url": "https://notice.example/today",
                "title": "当日公告（演示）",
                "publisher": "云岚市（虚构）",
                "lang": "zh-Hans",
            }
        ],
        as_of=clock.now().date(),
        expires=clock.now().date() + timedelta(days=365),
    )
