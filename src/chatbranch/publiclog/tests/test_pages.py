"""The log's pages, its proofs, and its files as the web process serves them."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from pytest_django import Settings
from tests.support.databases import Database
from tests.support.people import ask, case_of, decide, found_branch

from chatbranch.kernel import clock
from chatbranch.publiclog import queries
from chatbranch.publiclog.actions import do_erase, do_keep_up
from chatbranch.publiclog.notes import Key
from chatbranch.publiclog.proofs import Proof
from chatbranch.publiclog.tests.support import appended, published

RUMOUR = "紧急通知：云岚市自来水厂今晚八点起停水三天，请大家马上储水，转发给家人！"


@pytest.fixture
def claim(sqlite_database: Database, own_index: None) -> str:
    """A verdict of ours that is in the log (entry 1), and published."""
    case = case_of(ask(RUMOUR))
    decide(found_branch(), case)
    while do_keep_up():
        pass
    case.refresh_from_db()
    return str(case.claim_id)


def test_a_verdicts_page_leads_to_its_proof(claim: str) -> None:
    assert '<a href="/log/1/">' in Client().get(f"/claims/{claim}/").content.decode()
    page = Client().get("/log/1/").content.decode()
    assert f'href="/claims/{claim}/"' in page
    assert "见证待定" in page
    assert "公布结论" in page
    english = Client().get("/log/1/?lang=en").content.decode()
    assert "Witnessing pending" in english
    assert "Verdict published" in english


def test_the_words_of_a_verdict_are_shown_until_their_salt_is_erased(claim: str) -> None:
    assert "我们查过了" in Client().get("/log/1/").content.decode()
    do_erase([1])
    page = Client().get("/log/1/").content.decode()
    assert "我们查过了" not in page
    assert 'data-check="tree"' in page


def test_what_an_asker_wrote_is_on_no_page(claim: str) -> None:
    page = Client().get("/log/0/").content.decode()
    assert "开案" in page
    assert "停水" not in page


@pytest.mark.parametrize("ending", ["tlog-proof", "spicy"])
def test_the_proof_that_is_downloaded_holds_by_itself(claim: str, ending: str) -> None:
    proof = Proof.read(Client().get(f"/log/1.{ending}").content.decode())
    key = Key.read(published().read("vkey").decode())
    assert proof.verified([key]).size == 2
    assert claim.encode() in proof.entry


def test_a_proof_can_be_asked_for_by_claim_and_version(claim: str) -> None:
    found = queries.proof_of(UUID(claim), 1)
    assert found is not None
    assert found.index == 1
    assert queries.proof_of(UUID(claim), 2) is None


@pytest.mark.parametrize("path", ["/log/2/", "/log/2.spicy", "/log/99999999999999999/"])
def test_what_is_not_logged_has_no_page(claim: str, path: str) -> None:
    assert Client().get(path).status_code == 404


def test_the_page_of_the_log_lists_the_newest_first(claim: str) -> None:
    page = Client().get("/log/?lang=en").content.decode()
    assert page.index("Verdict published") < page.index("Case opened")
    assert published().read("vkey").decode().strip() in page.replace("&#x2B;", "+")
    assert "No. 1" not in Client().get("/log/?lang=en&before=1").content.decode()


# --- in the reader's browser ------------------------------------------------------------------------

SCRIPT = """
import {{ read, leads, signed, committed }} from "{module}";
import fs from "node:fs";
globalThis.crypto ??= (await import("node:crypto")).webcrypto;
const proof = read(fs.readFileSync("{proof}", "utf8"));
const all = [await leads(proof), await signed(proof, "{vkey}"), await committed(proof.entry, "{salt}", fs.readFileSync("{words}", "utf8"))];
console.log(all.join(" "));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js: apt-get install nodejs")
def test_the_pages_script_verifies_what_holds_and_nothing_else(claim: str, tmp_path: Path) -> None:
    shown = queries.logged(1)
    assert shown is not None
    assert shown.proof is not None
    folder = Path(queries.__file__).parent
    (tmp_path / "verify.mjs").write_text(
        "globalThis.document = { getElementById: () => null };\n"
        + (folder / "static/publiclog/verify.js").read_text()
    )

    def said(proof: str, words: str, vkey: str = shown.key) -> str:
        (tmp_path / "proof").write_text(proof)
        (tmp_path / "words").write_text(words)
        places = {name: tmp_path / name for name in ("proof", "words")}
        script = SCRIPT.format(module=tmp_path / "verify.mjs", vkey=vkey, salt=shown.salt, **places)
        (tmp_path / "run.mjs").write_text(script)
        done = subprocess.run(["node", tmp_path / "run.mjs"], capture_output=True, text=True, timeout=30)
        return done.stdout.strip() or done.stderr

    whole = shown.proof.text
    forged = Proof(0, shown.proof.hashes, shown.proof.note, shown.proof.entry).text
    resigned = whole.replace("\n2\n", "\n3\n")
    assert said(whole, shown.words) == "true true true"
    assert said(forged, shown.words + " ") == "false true false"
    assert said(resigned, shown.words).split()[1] == "false"
    assert said(whole, shown.words, shown.key.replace("invalid", "example")).split()[1] == "false"


# --- the files --------------------------------------------------------------------------------------


async def get(path: str, method: str = "GET", **headers: str) -> httpx.Response:
    from chatbranch.site.asgi import application

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(application), base_url="http://testserver"
    ) as client:
        return await client.request(method, path, headers=headers)


@pytest.fixture
def log(sqlite_database: Database) -> None:
    appended(300)


@pytest.mark.parametrize("path", ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44"])
async def test_a_tile_is_served_as_it_is_to_be_kept_for_ever(log: None, path: str) -> None:
    response = await get(f"/log/{path}", **{"accept-encoding": "identity"})
    assert response.content == published().read(path)
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["access-control-allow-origin"] == "*"
    assert "set-cookie" not in response.headers


async def test_the_checkpoint_is_kept_for_seconds_only(log: None) -> None:
    response = await get("/log/checkpoint")
    assert response.content == published().read("checkpoint")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["cache-control"] == "public, max-age=2"


async def test_entries_are_compressed_for_whoever_can_read_that(log: None) -> None:
    plain = await get("/log/tile/entries/000", **{"accept-encoding": "identity"})
    packed = await get("/log/tile/entries/000", **{"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])
    assert packed.content == plain.content


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/002",
        "tile/0/000.p",
        "tile/0/000.p/0",
        "tile/0/%2e%2e/%2e%2e/%2e%2e/keys/log.key",
        "tile/64/000",
        "tile/00/000",
        "tile/entries",
        "checkpoint.new",
        "../keys/log.key",
    ],
)
async def test_nothing_else_is_served(log: None, path: str) -> None:
    response = await get(f"/log/{path}")
    assert response.status_code == 404


async def test_a_head_and_a_post_are_answered_as_they_should(log: None) -> None:
    head = await get("/log/checkpoint", "HEAD")
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) == len(published().read("checkpoint"))
    assert (await get("/log/checkpoint", "POST")).status_code == 405


# --- the members' side ------------------------------------------------------------------------------


@pytest.fixture
def lin(sqlite_database: Database, own_index: None) -> Client:
    member = found_branch()["lin"]
    Authenticator.objects.create(user=member, type=Authenticator.Type.TOTP, data={"secret": "x"})
    client = Client()
    client.force_login(member, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def test_a_member_notes_a_request_from_outside_and_readers_see_that_there_was_one(lin: Client) -> None:
    refused = lin.post("/desk/requests/", {"by": "court", "asks": "remove", "text": " ", "claim": "x"})
    assert refused.status_code == 400
    noted = lin.post(
        "/desk/requests/?lang=en", {"by": "court", "asks": "remove", "text": "立即删除，案号 17"}, follow=True
    )
    assert "案号 17" in noted.content.decode()
    do_keep_up()
    page = Client().get("/log/0/?lang=en").content.decode()
    assert "a court" in page
    assert "案号 17" not in page
    assert Client().get("/desk/requests/").status_code == 302


def test_the_desk_says_when_witnesses_are_long_in_coming(lin: Client, settings: Settings) -> None:
    appended(1)
    away = {"url": "http://127.0.0.1:9", "key": published().read("vkey").decode().strip()}
    assert "见证" not in lin.get("/desk/").content.decode()
    settings.CONFIG = replace(settings.CONFIG, witnesses={"away": away})
    with clock.held(clock.ahead(hours=25)):
        assert "没有得到两个见证的会签" in lin.get("/desk/").content.decode()
