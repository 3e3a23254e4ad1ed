"""Reading the page behind a link, from a real server on this machine; and never a page inside."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from chatbranch.intake import fetch as fetching
from chatbranch.intake.fetch import fetch
from chatbranch.kernel.errors import Refused

PAGE = """<html><head><title>柠檬水能治病吗</title></head><body><nav>首页 | 登录</nav><article><h1>柠檬水能治病吗</h1>
<p>最近有一条消息在家庭群里流传，说每天空腹喝一杯热柠檬水就能杀死癌细胞，效果是化疗的一万倍。</p>
<p>我们请教了医生，也查了文献：柠檬是好水果，可是没有任何临床研究支持这个说法，请不要因此耽误治疗。</p>
</article></body></html>"""


class _Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        routes = {
            "/page": self._page,
            "/hop": self._hop,
            "/inside": self._inside,
            "/big": self._big,
            "/slow": self._slow,
            "/bin": self._binary,
        }
        routes.get(self.path.split("?")[0], self._missing)()

    def _head(self, status: int, kind: str = "text/html; charset=utf-8", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _page(self) -> None:
        self._head(200)
        self.wfile.write(PAGE.encode())

    def _hop(self) -> None:
        left = int(self.path.partition("=")[2] or 0)
        self._head(302, Location=f"/hop?left={left - 1}" if left else "/page")

    def _inside(self) -> None:
        self._head(302, Location="http://inside.example/admin")

    def _big(self) -> None:
        self._head(200)
        try:
            for _ in range(400):
                self.wfile.write(b"<p>" + b"a lot of words " * 2000 + b"</p>")
        except OSError:
            pass  # the reader hung up, as it should

    def _slow(self) -> None:
        self._head(200)
        try:
            for _ in range(100):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.1)
        except OSError:
            pass

    def _binary(self) -> None:
        self._head(200, "application/octet-stream")
        self.wfile.write(b"\0" * 100)

    def _missing(self) -> None:
        self._head(404)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()


def read(port: int, path: str, seconds: float = 8.0) -> fetching.Page:
    """Fetch from the local site under a public-looking name; `inside.example` resolves to a private address."""

    def resolve(host: str, _: int) -> list[str]:
        return ["10.0.0.7"] if host == "inside.example" else ["127.0.0.1"]

    return fetch(
        f"http://news.example:{port}{path}",
        seconds=seconds,
        resolve=resolve,
        allow=lambda address: address == "127.0.0.1",
    )


def test_the_main_text_of_a_page_is_read_without_its_menus(site: int) -> None:
    page = read(site, "/page")
    assert "癌细胞" in page.text
    assert "登录" not in page.text
    assert "柠檬水" in page.title


def test_a_few_redirects_are_followed_and_many_are_not(site: int) -> None:
    assert "癌细胞" in read(site, "/hop?left=2").text
    with pytest.raises(Refused, match="link-redirects"):
        read(site, "/hop?left=9")


def test_a_redirect_does_not_lead_inside(site: int) -> None:
    with pytest.raises(Refused, match="link-inside"):
        read(site, "/inside")


def test_a_huge_page_is_read_no_further_than_two_megabytes(site: int) -> None:
    assert len(read(site, "/big").text) <= 100_000


def test_a_page_that_drips_is_given_up_in_time(site: int) -> None:
    started = time.monotonic()
    with pytest.raises(Refused, match="link-slow"):
        read(site, "/slow", seconds=0.8)
    assert time.monotonic() - started < 5


def test_what_is_no_page_of_text_is_refused_with_advice(site: int) -> None:
    with pytest.raises(Refused, match="link-kind") as refused:
        read(site, "/bin")
    assert "请把" in refused.value.say("zh-Hans")


def test_a_missing_page_is_refused_with_its_status(site: int) -> None:
    with pytest.raises(Refused, match="404"):
        read(site, "/nothing")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/",
        "http://localhost:1/",
        "http://[::1]:1/",
        "http://0.0.0.0:1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.1.2.3/",
        "http://192.168.0.1/",
        "http://[::ffff:127.0.0.1]/",
        "http://2130706433/",
        "http://0x7f000001/",
    ],
)
def test_a_link_to_this_machine_or_its_network_is_never_opened(url: str) -> None:
    with pytest.raises(Refused, match=r"link-inside|link-unreachable"):
        fetch(url)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://news.example/",
        "file:///etc/passwd",
        "http://user:password@news.example/",
        "javascript:alert(1)",
        "http://",
    ],
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(Refused, match="link-form"):
        fetch(url)
