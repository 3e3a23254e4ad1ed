"""Adding, proving, and closing accounts. What is asked for is written before anything is looked at; each look is written
with its event in one transaction, and nothing is fetched inside one."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from django.db import transaction
from django.urls import reverse

from chatbranch.branch import rules as branch_rules
from chatbranch.branch.models import Account, Member, Outlet, Proving, Sighting
from chatbranch.branch.notices import do_notify
from chatbranch.branch.proving import places, post, queries, rules
from chatbranch.branch.proving.rules import Finding
from chatbranch.branch.queries import Looker, insider
from chatbranch.journal.actions import do_record
from chatbranch.kernel import clock
from chatbranch.kernel.errors import Refused
from chatbranch.kernel.phrases import Phrase

if TYPE_CHECKING:
    from chatbranch.branch.proving.checking import Eyes

LOOKING = timedelta(minutes=2)  # longer than any look takes: until then nobody else looks at the same
MOST_AT_ONCE = 20


def do_add_account(actor: Looker, outlet: Outlet, address: str) -> Account:
    """Write down an account of an outlet; nothing is proved by that. Refuses one that looks like another owner's."""
    queries.may_tend(actor, outlet)
    place = places.read(address)
    queries.check_likeness(place, outlet)
    with transaction.atomic():
        account, made = Account.objects.get_or_create(
            outlet=outlet, address=place.address, closed_at=None, defaults={"added_by": insider(actor)}
        )
        if made:
            do_record("account.added", account.pk, outlet=outlet.name, address=place.address)
    return account


def do_start_proving(actor: Looker, account: Account, method: str) -> Proving:
    """Give out a code for one way of proving; an older one of the same way that was never seen is void with it."""
    queries.may_tend(actor, account.outlet)
    _check_open(account)
    place = places.read(account.address)
    if method not in rules.methods_for(place):
        raise Refused(
            "no-such-method",
            Phrase("这个主页不能用这种方式核验。", "This account cannot be proved that way."),
            status=404,
        )
    queries.check_likeness(place, account.outlet)
    fresh = {
        "token": rules.new_token(),
        "started_by": insider(actor),
        "started_at": clock.now(),
        "post": "",
        "known": "",
        "why": "",
        "due_at": None,
    }
    with transaction.atomic():
        held = Proving.objects.select_for_update().filter(account=account, method=method).first()
        if held is not None and held.proved_at is not None and held.unproved_at is None:
            raise Refused(
                "proved-already",
                Phrase("这种方式已经核验过了。", "It is proved that way already."),
                status=409,
            )
        proving, _ = Proving.objects.update_or_create(account=account, method=method, defaults=fresh)
        do_record("account.asked", account.pk, method=method)
    return proving


def do_ask_look(actor: Looker, proving: Proving, post_address: str = "") -> None:
    """The outlet says that the code is there now: it is looked at next. For a post: where it is."""
    queries.may_tend(actor, proving.account.outlet)
    _check_open(proving.account)
    _check_fresh(proving)
    changes: dict[str, object] = {"due_at": clock.now()}
    if proving.method in (Proving.Method.POST, Proving.Method.SHOWN):
        place = places.read(proving.account.address)
        there = places.read(post_address)
        if proving.method == Proving.Method.POST and not post.belongs(there.address, place):
            raise Refused("elsewhere", rules.WHY["elsewhere"], field="post")
        changes["post"] = there.address
    if proving.method == Proving.Method.SHOWN:
        changes["due_at"] = None  # people look
    Proving.objects.filter(pk=proving.pk).update(**changes)
    proving.refresh_from_db()


def do_see(actor: Looker, proving: Proving) -> None:
    """A member of another owner has seen the code on the account, with their own eyes; the second proves it."""
    member = insider(actor)
    with transaction.atomic():
        held = _locked(proving)
        _check_open(held.account)
        _check_fresh(held)
        own = branch_rules.owner_key(held.account.outlet.owner)
        if branch_rules.owner_key(member.outlet.owner) == own or not held.post:
            raise Refused(
                "others-look",
                Phrase("请其他账号的成员来看。", "Members of other outlets have to look."),
                status=403,
            )
        if not held.sightings.filter(by=member, at__gte=held.started_at).exists():
            seen = f"{held.post}\n{member.name} ({member.outlet.name}) saw {held.token} there"
            _keep(held, Finding(True, seen=seen), by=member)


def do_look(proving: Proving, eyes: Eyes | None = None) -> bool | None:
    """Look now, if it is due; whether the account is shown. None where somebody else is looking, or nothing is due."""
    from chatbranch.branch.proving.checking import (  # its HTTP client takes its time to load
        Eyes,
        Sought,
        look,
    )

    now = clock.now()
    # No join in this: PostgreSQL would look at the joined row as it was before it waited for another's update.
    mine = Proving.objects.filter(pk=proving.pk, due_at__lte=now)
    if not mine.update(due_at=now + LOOKING):
        return None
    proving.refresh_from_db()
    account = proving.account
    sought = Sought(
        place=places.read(account.address),
        method=rules.method(proving.method),
        token=proving.token,
        known=proving.known,
        post=proving.post,
        ours=queries.our_page(account),
        also=queries.proved_addresses(account.outlet, but=account),
    )
    finding = look(sought, eyes or Eyes())
    with transaction.atomic():
        held = _locked(proving)
        if held.token != proving.token or held.account.closed_at is not None:
            return None  # asked anew, or closed, while we looked
        _keep(held, _unless_alike(held, finding))
    proving.refresh_from_db()
    return finding.good


def do_look_at_due(eyes: Eyes | None = None) -> int:
    """Look at what is due, oldest first; returns how many looks. For the worker, in a thread of its own."""
    due = Proving.objects.filter(due_at__lte=clock.now()).select_related("account__outlet")
    return sum(do_look(each, eyes) is not None for each in due.order_by("due_at")[:MOST_AT_ONCE])


def do_close_account(actor: Looker, account: Account, why: str) -> None:
    """Say that an account is closed: by its platform, or by its outlet. By its outlet's members or a steward; where a look
    found it gone, by any member."""
    member = insider(actor)
    gone = account.provings.exclude(unproved_at=None).exists()
    if not gone:
        queries.may_tend(member, account.outlet)
    if why not in ("platform", "outlet"):
        raise Refused("closed-why", Phrase("请说明是谁关的。", "Please say who closed it."), field="why")
    with transaction.atomic():
        open_one = Account.objects.filter(pk=account.pk, closed_at=None)
        if open_one.update(closed_at=clock.now(), closed_by=member, closed_why=why):
            Proving.objects.filter(account=account).update(due_at=None)
            do_record("account.closed", account.pk, why=why, by=str(member.pk))
    account.refresh_from_db()


def do_reopen_account(actor: Looker, account: Account) -> None:
    """The account is there again. What was proved is looked at anew before it counts."""
    queries.may_tend(actor, account.outlet)
    with transaction.atomic():
        closed = Account.objects.filter(pk=account.pk).exclude(closed_at=None)
        if closed.update(closed_at=None, closed_by=None, closed_why=""):
            now = clock.now()
            ways = Proving.objects.filter(account=account).exclude(proved_at=None)
            ways.update(due_at=now, unproved_at=now, why="unread", doubt_since=now)
            do_record("account.reopened", account.pk, by=str(insider(actor).pk))
    account.refresh_from_db()


def _locked(proving: Proving) -> Proving:
    held = Proving.objects.select_for_update(of=("self",)).select_related("account__outlet")
    return held.get(pk=proving.pk)


def _keep(proving: Proving, finding: Finding, by: Member | None = None) -> None:
    """Write down what a look found, and what follows from it."""
    now = clock.now()
    text = _evidence(proving, finding.seen) if finding.good else ""
    digest = sha256(text.encode()).hexdigest() if text else ""
    sighting = Sighting.objects.create(
        proving=proving, by=by, at=now, good=finding.good, why=finding.why, text=text, sha256=digest
    )
    if finding.good and _enough(proving):
        fresh = proving.proved_at is None or proving.unproved_at is not None
        proving.proved_at = proving.proved_at or now
        proving.seen_at, proving.doubt_since, proving.unproved_at, proving.why = now, None, None, ""
        proving.known = proving.known or finding.known
        proving.due_at = rules.next_look(True, None, now)
        proving.save()
        if fresh:
            do_record(
                "account.proved",
                proving.account_id,
                method=proving.method,
                evidence=str(sighting.pk),
                sha256=digest,
            )
    elif not finding.good:
        _doubt(proving, finding.why)


def _doubt(proving: Proving, why: str) -> None:
    now = clock.now()
    proving.why = why
    if proving.proved_at is None:
        proving.due_at = None  # the outlet asks again
        proving.save()
        return
    proving.doubt_since = proving.doubt_since or now
    proving.due_at = rules.next_look(False, proving.doubt_since, now)
    over = proving.unproved_at is None and rules.is_over(why, proving.doubt_since, now)
    if over:
        proving.unproved_at = now
    if proving.method == Proving.Method.SHOWN:
        proving.due_at = None  # there is nothing that we could look at
    proving.save()
    if over:
        _tell(proving, why)
        do_record("account.unproved", proving.account_id, method=proving.method, why=why)


def _tell(proving: Proving, why: str) -> None:
    """Its outlet's members hear of it; nothing else follows."""
    reason = rules.WHY[why]
    do_notify(
        Member.objects.filter(outlet=proving.account.outlet_id, left_at=None),
        Phrase(
            "主页 {name} 现在核验不到了：{zh}恢复以后会自动重新核验。",
            "Your account {name} can no longer be proved. {en} Once that is mended it is proved again by itself.",
        ),
        link=reverse("prove", args=[proving.account_id]),
        about=proving.account_id,
        name=places.read(proving.account.address).name,
        zh=reason.zh,
        en=reason.en,
    )


def _enough(proving: Proving) -> bool:
    """Whether what was seen proves the account: one look of ours, or two members of different owners."""
    if proving.method != Proving.Method.SHOWN:
        return True
    seen = proving.sightings.filter(good=True, at__gte=proving.started_at).exclude(by=None)
    owners = seen.values_list("by__outlet__owner", flat=True)
    own = branch_rules.owner_key(proving.account.outlet.owner)
    return rules.seen_by_enough({branch_rules.owner_key(each) for each in owners}, own)


def _unless_alike(proving: Proving, finding: Finding) -> Finding:
    """The finding, unless another owner has proved a look-alike since this account was added."""
    if finding.good and (proving.proved_at is None or proving.unproved_at is not None):
        try:
            queries.check_likeness(places.read(proving.account.address), proving.account.outlet)
        except Refused:
            return Finding(False, why="look-alike")
    return finding


def _evidence(proving: Proving, seen: str) -> str:
    """What is kept of a look: what was looked for, when, and all that was seen."""
    return (
        f"account: {proving.account.address}\noutlet: {proving.account.outlet.name}\nmethod: {proving.method}\n"
        f"code: {proving.token}\nseen at: {clock.now():%Y-%m-%dT%H:%M:%SZ}\n\n{seen}\n"
    )


def _check_open(account: Account) -> None:
    if account.closed_at is not None:
        raise Refused("account-closed", Phrase("这个主页已关闭。", "This account is closed."), status=409)


def _check_fresh(proving: Proving) -> None:
    """Refuses a code that is too old to be shown for the first time."""
    now = rules.state(
        rules.method(proving.method),
        started_at=proving.started_at,
        proved_at=proving.proved_at,
        unproved_at=proving.unproved_at,
        now=clock.now(),
    )
    if now not in ("waiting", "proved"):
        raise Refused(
            "code-over",
            Phrase("这个暗号已过期，请重新取一个。", "This code has expired; please take a new one."),
            status=410,
        )
