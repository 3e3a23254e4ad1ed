"""A small OpenID Connect provider for tests, by the specification, over HTTP; and it can be told to lie.

Discovery 1.0; Core 1.0 with the code flow; RFC 7636: a code without the verifier that fits is worth nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "chat branch:南湾", "七盏 lamps & more"
KEY, OTHER_KEY = (rsa.generate_private_key(65537, 2048) for _ in range(2))


class OIDC:
    """The provider. `person`: who is signed in there. `lies`: claims of its ID tokens that are not as they should be."""

    def __init__(self, url: str) -> None:
        self.issuer = url
        self.person = "f3a1-wen"
        self.lies: dict[str, Any] = {}
        self.describes: dict[str, Any] = {}
        self.signs_with: tuple[Any, str] = (KEY, "RS256")
        self.asked: list[dict[str, str]] = []
        self._codes: dict[str, dict[str, str]] = {}

    @property
    def settings(self) -> dict[str, str]:
        """The [oidc] table of a branch that it serves."""
        return {"name": "同乐会", "issuer": self.issuer, "client_id": CLIENT, "client_secret": SECRET}

    def sign_in(self, address: str) -> str:
        """Where somebody is sent back to who is led to `address` and signs in there: path and query."""
        back = urlsplit(httpx.get(address, verify=False).headers["Location"])
        return f"{back.path}?{back.query}"

    def describe(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            **self.describes,
        }

    def keys(self) -> dict[str, Any]:
        key = jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
        old = jwt.algorithms.RSAAlgorithm.to_jwk(OTHER_KEY.public_key(), as_dict=True)
        return {"keys": [{**old, "kid": "old", "use": "enc"}, {**key, "kid": "now", "use": "sig"}]}

    def authorize(self, asks: dict[str, str]) -> str:
        assert asks["response_type"] == "code"
        assert asks["client_id"] == CLIENT
        assert asks["code_challenge_method"] == "S256"
        self.asked.append(asks)
        code = secrets.token_urlsafe(16)
        self._codes[code] = asks
        answer = {"code": code, "state": asks["state"], "iss": self.issuer}
        return f"{asks['redirect_uri']}?{urlencode(answer)}"

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """None: refused (RFC 6749, section 5.2)."""
        said = base64.b64decode(authorization.removeprefix("Basic ")).decode().split(":")
        asks = self._codes.pop(form.get("code", ""), None)
        if [unquote_plus(each) for each in said] != [CLIENT, SECRET] or asks is None:
            return None
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest())
        if challenge.decode().rstrip("=") != asks["code_challenge"]:
            return None
        if form["redirect_uri"] != asks["redirect_uri"] or form["grant_type"] != "authorization_code":
            return None
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": self.person,
            "aud": CLIENT,
            "exp": now + 300,
            "iat": now,
            "nonce": asks["nonce"],
            "name": "闻 Wen of the river",
            "email": "wen@river.example",
            "picture": "https://pictures.example/wen.png",
            **self.lies,
        }
        key, algorithm = self.signs_with
        told = {name: value for name, value in claims.items() if value is not None}
        return {
            "access_token": secrets.token_urlsafe(16),
            "token_type": "Bearer",
            "id_token": jwt.encode(told, key, algorithm, headers={"kid": "now"}),
        }


@contextmanager
def serving() -> Iterator[OIDC]:
    """A provider that answers on this machine until the end."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/authorize":
                self.send_response(302)
                self.send_header("Location", provider.authorize(_first(parts.query)))
                self.end_headers()
                return
            known = {"/.well-known/openid-configuration": provider.describe, "/keys": provider.keys}
            self._say(known[parts.path]() if parts.path in known else None)

        def do_POST(self) -> None:
            form = _first(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self._say(provider.token(form, self.headers.get("Authorization", "")))

        def _say(self, said: dict[str, Any] | None) -> None:
            body = json.dumps(said or {"error": "invalid_grant"}).encode()
            self.send_response(200 if said else 400)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = OIDC(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=lambda: server.serve_forever(0.01), daemon=True).start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()


def _first(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}
