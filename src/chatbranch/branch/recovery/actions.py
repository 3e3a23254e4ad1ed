"""Asking to be let in again, helping, stopping, and coming back in. Each in one transaction with its events and notices."""

from __future__ import annotations

from django.db import transaction
from django.urls import reverse

from chatbranch.branch import rules as branch_rules
from chatbranch.branch.actions import do_set_new_password
from chatbranch.branch.models import Helper, Member, Recovery
from chatbranch.branch.notices import do_notify, do_withdraw
from chatbranch.branch.queries import Looker, insider, is_member, link_is_over
from chatbranch.branch.recovery import rules
from chatbranch.branch.sessions.devices import device
from chatbranch.journal.actions import do_record
from chatbranch.kernel import clock, ids
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase


def do_ask(username: str, user_agent: str = "") -> str:
    """A token for /recover/<token>/, and a row whose code two members are to be told. For a sign-in name that nobody has the
    same is done, so that nobody learns who is here; it leads nowhere."""
    token = ids.new_token()
    asker = Member.objects.filter(username__iexact=username.strip()).first()
    with transaction.atomic():
        made = Recovery.objects.create(
            member=asker if is_member(asker) else None,
            token_hash=ids.token_hash(token),
            code=ids.new_code(6),
            device=device(user_agent),
        )
        if made.member is not None:
            do_record("recovery.asked", made.member.pk)
    return token


def do_help(actor: Looker, member: Member, code: str) -> Recovery:
    """A member has spoken with another, and was told the code on their page. The second helper starts the day of waiting."""
    helper = insider(actor)
    with transaction.atomic():
        asked = Recovery.objects.select_for_update().filter(member=member, code=code.strip(), opens_at=None)
        found = asked.filter(stopped_at=None, asked_at__gt=clock.now() - rules.ASKING_LASTS).first()
        if found is None or not code.strip():
            raise Refused(
                "no-such-code",
                Phrase(
                    "{name}的页面上没有这个数。请再核对一下。",
                    "The page of {name} does not show that number. Please check it with them.",
                ),
                field="code",
                name=member.name,
            )
        if helper.pk == member.pk:
            raise Refused(
                "help-yourself",
                Phrase("请两位别的成员来帮忙。", "Two other members have to help you."),
                status=403,
                field="code",
            )
        Helper.objects.get_or_create(recovery=found, by=helper)
        helpers = [each.by for each in found.helpers.select_related("by__outlet").order_by("at")]
        if rules.enough([branch_rules.owner_key(each.outlet.owner) for each in helpers]):
            found.opens_at = clock.now() + rules.WAITS
            found.save(update_fields=["opens_at"])
        _tell(found, member, helpers)
        do_record("recovery.helped", member.pk, by=str(helper.pk), opens=bool(found.opens_at))
    return found


def do_stop(actor: Looker, recovery: Recovery) -> None:
    """The member themselves, still signed in somewhere, says no."""
    member = insider(actor)
    with transaction.atomic():
        mine = Recovery.objects.filter(pk=recovery.pk, member=member, used_at=None, stopped_at=None)
        if mine.update(stopped_at=clock.now()):
            helpers = Member.objects.filter(pk__in=recovery.helpers.values("by"))
            do_notify(
                helpers,
                Phrase(
                    "{name}叫停了这次找回：来找您的人不是本人，或已不需要。",
                    "{name} has stopped being let in again: whoever came to you was somebody else, or it is no longer needed.",
                ),
                about=recovery.pk,
                name=member.name,
            )
            do_withdraw([member], recovery.pk)
            do_record("recovery.stopped", member.pk)


def do_recover(token: str, password: str) -> Member:
    """The day has passed: a new password; the old keys and all sessions are void."""
    with transaction.atomic():
        held = Recovery.objects.select_for_update(of=("self",)).select_related("member__outlet")
        found = held.filter(token_hash=ids.token_hash(token)).first()
        if found is None or found.state != "open" or found.member is None:
            raise link_is_over()
        do_set_new_password(found.member, password)
        Recovery.objects.filter(pk=found.pk).update(used_at=clock.now())
        do_record("member.renewed", found.member.pk, by="recovery")
        return found.member


def do_tidy() -> int:
    """Forget what was asked for and came to nothing; returns how many."""
    old = Recovery.objects.filter(asked_at__lt=clock.now() - 2 * rules.ASKING_LASTS, opens_at=None)
    return old.delete()[0]


def _tell(recovery: Recovery, member: Member, helpers: list[Member]) -> None:
    """The member hears of it wherever they can still be reached."""
    names = "、".join(each.name for each in helpers)
    if recovery.opens_at:
        phrase = Phrase(
            "{names}帮您找回登录：{day} {time}（UTC）起，可以在找回的页面设新密码，旧的随即作废。不是您本人要找回的话，请马上叫停。",
            "{names} are helping you back in: from {day} {time} UTC a new password can be set on the page of whoever asked, and your old keys are then void. If that is not you, please stop it now.",
        )
    else:
        phrase = Phrase(
            "{names}说，您想重新登录。还要一位其他账号的成员帮忙。不是您本人的话，请马上叫停。",
            "{names} says that you want to be let in again. One more member, of another owner, has to help. If that is not you, please stop it now.",
        )
    opens = recovery.opens_at or clock.now()
    do_notify(
        [member],
        phrase,
        about=recovery.pk,
        link=reverse("recoveries"),
        names=names,
        day=f"{opens:%Y-%m-%d}",
        time=f"{opens:%H:%M}",
    )
