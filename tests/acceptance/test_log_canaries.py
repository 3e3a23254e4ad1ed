"""Nobody's name, address or words are in the public log, nor a hash of them that could be guessed: every byte of it is searched."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from pytest_django import Settings

from chatbranch.branch.models import Member, Outlet
from chatbranch.cases import actions as cases
from chatbranch.contacts.models import Contact
from chatbranch.intake import actions as intake
from chatbranch.kernel import clock
from chatbranch.kernel.text import normalise
from chatbranch.matching.grouping import fingerprint
from chatbranch.matching.models import Correction
from chatbranch.publiclog.actions import do_forget, do_keep_up
from chatbranch.publiclog.audit import audit
from chatbranch.publiclog.folder import Folder
from chatbranch.publiclog.models import Entry, Salt
from tests.support.databases import Database
from tests.support.people import ask, case_of, decide, found_branch, inbound, propose

ASKER = "@canary-grandmother-7f3a91:chat.example"
MAIL = "canary-mail-5521@mail.example"
RUMOUR = "紧急通知：金丝雀小区王金雀家的自来水今晚八点起停水三天，请大家马上储水，转发给家人！"
SECOND = "听说金丝雀街十七号李四海的女儿昨天住院了，学校从明天起停课一周，请转告"
SAID = {
    "grounds": "我叫赵雀鸣，就住在那里，水一直没有停。",
    "comment": "钱雀儿说她见过原件。",
    "correction": "孙雀飞认为两条不一样。",
    "reason": "周雀舞更正：以水厂公告为准。",
    "evidence": "https://source.example/canary-evidence-page",
}


@pytest.fixture
def log(sqlite_database: Database, own_index: None, settings: Settings, tmp_path: Path) -> Path:
    settings.LOG_DIR = tmp_path / "log"
    return tmp_path / "log"


def use_everything() -> None:
    """Every way there is into the log, each with a canary in what was written."""
    members = found_branch()
    Member.objects.filter(username="lin").update(email="canary-member@mail.example")
    submission, answer = intake.do_check(
        inbound(RUMOUR, asker=ASKER, channel="matrix"), email=MAIL, reply=True
    )
    case, second = case_of(answer), case_of(ask(SECOND, asker=ASKER, channel="matrix"))
    cases.do_comment(members["lin"], case, SAID["comment"])
    cases.do_add_evidence(members["lin"], case, url=SAID["evidence"])
    cases.do_correct_match(members["zhou"], second, "nothing", note=SAID["correction"])
    decide(members, case)
    case.refresh_from_db()
    assert case.claim_id
    cases.do_object(case.claim_id, 1, grounds=SAID["grounds"], lang="zh-Hans", channel="mail", address=MAIL)
    with clock.held(clock.ahead(hours=1)):
        propose(members["chen"], second, "unknown", zh=SECOND, reason=SAID["reason"])
    while do_keep_up():
        pass
    assert submission.pk


def canaries() -> Iterator[str]:
    yield from (ASKER, MAIL, RUMOUR, SECOND, *SAID.values(), "王金雀", "李四海", "canary", "source.example")
    yield from ("我们查过了，并非如此。", "We have looked into it; it is not so.")
    for member in Member.objects.all():
        yield from (
            str(member.pk),
            member.pk.hex,
            member.name,
            member.username,
            *filter(None, [member.email]),
        )
    yield from Outlet.objects.values_list("name", flat=True)
    yield from Contact.objects.values_list("pseudonym", flat=True)
    yield from Correction.objects.values_list("fingerprint", flat=True)
    yield from (fingerprint(text) for text in (RUMOUR, SECOND))


def forms(canary: str) -> Iterator[bytes]:
    """The canary as it could stand in a file: as text in several encodings, and as a hash without a salt."""
    for said in (canary, normalise(canary).text or canary):
        raw = said.encode()
        yield from (raw, raw.hex().encode(), said.encode("utf-16-le"), quote(said).encode())
        yield from (base64.b64encode(raw).rstrip(b"=")[:-1], said.encode("unicode_escape"))
        for made in (hashlib.sha256(raw), hashlib.sha1(raw), hashlib.md5(raw)):
            yield from (made.digest(), made.hexdigest().encode(), base64.b64encode(made.digest()))


def everything_published(log: Path) -> bytes:
    return b"\n".join(each.read_bytes() for each in log.rglob("*") if each.is_file())


def found_in(log: Path) -> list[str]:
    """Canaries that are in the published log in any form; one of less than four bytes ("Su") would be in any file by chance."""
    whole = everything_published(log)
    long_enough = {each for each in canaries() if len(each.encode()) > 3}
    return sorted(each for each in long_enough if any(form in whole for form in forms(each)))


def test_no_canary_is_in_any_byte_of_the_published_log(log: Path) -> None:
    use_everything()
    kinds = set(Entry.objects.values_list("kind", flat=True))
    assert kinds == {"case.opened", "verdict.published", "match.corrected", "request.made"}
    assert found_in(log) == []
    assert audit(Folder(log).read).checkpoint.size == Entry.objects.count()


@pytest.mark.parametrize("leak", [RUMOUR, "王金雀", "canary-member@mail.example"])
@pytest.mark.parametrize(
    "written", [str.encode, lambda said: hashlib.sha256(said.encode()).hexdigest().encode()]
)
def test_the_scanner_would_find_one(log: Path, leak: str, written: Callable[[str], bytes]) -> None:
    use_everything()
    (log / "tile" / "leak").write_bytes(b"{" + written(leak) + b"}")
    assert leak in found_in(log)


def test_once_everyone_is_forgotten_no_salt_of_theirs_is_left_and_all_proofs_hold(log: Path) -> None:
    use_everything()
    before = everything_published(log)
    for channel, address in (("matrix", ASKER), ("mail", MAIL)):
        intake.do_forget(channel, address)
    do_forget()
    # members' own words stay: a verdict's are public, and what they noted of a match hangs on a message that its case keeps
    assert set(Salt.objects.values_list("entry__kind", flat=True)) == {"verdict.published", "match.corrected"}
    assert everything_published(log) == before
    assert audit(Folder(log).read).checkpoint.size == Entry.objects.count()
