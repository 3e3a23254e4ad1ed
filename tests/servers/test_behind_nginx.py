"""The branch behind nginx, set up as docs/howto/https.md says: HTTPS, secure cookies, streams that flow, honest networks."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.docs.pages import blocks, page
from tests.servers.smtp import certify
from tests.support.databases import Database
from tests.support.house import House, house, wait_for
from tests.support.ports import free_port

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(
        shutil.which("nginx") is None, reason="nginx is not here: apt-get install nginx-light"
    ),
]
NAME = "branch.example"  # the host name of the page
ASKS = 2  # of one network, a minute


class Nginx:
    """nginx with the page's own settings; only ports, certificate and folders are this machine's."""

    def __init__(self, folder: Path, branch: House) -> None:
        self.plain, self.secure = free_port(), free_port()
        self.certificate = certify(folder / "both.pem")
        (servers,) = blocks(page("docs/howto/https.md"), "nginx")
        here = {
            "listen 80;": f"listen 127.0.0.1:{self.plain};",
            "listen 443 ssl": f"listen 127.0.0.1:{self.secure} ssl",
            "http://127.0.0.1:8080": branch.url,
            "/etc/letsencrypt/live/branch.example/fullchain.pem": str(self.certificate),
            "/etc/letsencrypt/live/branch.example/privkey.pem": str(self.certificate),
        }
        for written, used in here.items():
            assert written in servers
            servers = servers.replace(written, used)
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
        settings = folder / "nginx.conf"
        settings.write_text(
            f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\n"
            f"events {{}}\nhttp {{\naccess_log off;\n{temporary}{servers}}}\n"
        )
        self._process = subprocess.Popen(["nginx", "-c", settings], cwd=folder)
        wait_for(self._serves, 30, "nginx's first answer")

    def _serves(self) -> bool:
        assert self._process.poll() is None, "nginx did not start"
        with suppress(httpx.HTTPError):
            return httpx.get(f"http://127.0.0.1:{self.plain}/").status_code == 301
        return False

    def reader(self) -> httpx.Client:
        """A browser that trusts the certificate, for NAME, which resolves to this machine."""
        return httpx.Client(
            base_url=f"https://127.0.0.1:{self.secure}",
            headers={"Host": NAME, "Accept-Language": "en"},
            verify=ssl.create_default_context(cafile=str(self.certificate)),
            follow_redirects=False,
            timeout=60,
        )

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)


@pytest.fixture
def nginx(sqlite_database: Database, tmp_path: Path) -> Iterator[Nginx]:
    own = {
        "CHATBRANCH_PUBLIC_URL": f"https://{NAME}",
        "CHATBRANCH_BEHIND_PROXY": "true",
        "CHATBRANCH_NETWORK_ASKS_PER_MINUTE": str(ASKS),
    }
    with house(sqlite_database, **own) as branch:
        branch.start("web")
        before = Nginx(tmp_path, branch)
        try:
            yield before
        finally:
            before.stop()


def test_a_reader_asks_over_https_and_the_stream_of_the_case_flows(nginx: Nginx) -> None:
    plain = httpx.get(f"http://127.0.0.1:{nginx.plain}/library/", headers={"Host": NAME})
    assert (plain.status_code, plain.headers["Location"]) == (301, f"https://{NAME}/library/")
    with nginx.reader() as reader:
        first = reader.get("/")
        assert first.headers["Strict-Transport-Security"]
        assert all("Secure" in cookie for cookie in first.headers.get_list("Set-Cookie"))
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', first.text))
        asked = reader.post(
            "/ask",
            data={**hidden, "text": "听说南门外的桥明天起封三天，请互相转告。"},
            headers={"Origin": f"https://{NAME}"},
        )
        assert asked.status_code == 302, asked.text
        answer = reader.get(asked.headers["Location"])
        code = re.search(r"code-big[^>]*>(\d+)<", answer.text)
        assert code
        # Held back, the first line would come with the second, after the fifteen seconds between them.
        with reader.stream("GET", f"/live/?case={code[1]}", timeout=12) as stream:
            assert next(stream.iter_lines()) == ": welcome"


def test_a_network_that_a_reader_makes_up_counts_for_nothing(nginx: Nginx) -> None:
    with nginx.reader() as reader:
        asked = [
            reader.post(
                "/api/v1/checks",
                json={"text": f"听说第{number}小学明天停课。"},
                headers={"X-Forwarded-For": f"203.0.113.{number}"},
            )
            for number in range(1, ASKS + 2)
        ]
    assert [each.status_code for each in asked] == [200] * ASKS + [429]
