"""A real OpenID Connect provider: oidc-provider-mock (Authlib), in an environment of its own (tests/servers/install.py makes it)."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.ports import free_port


def program() -> Path:
    """Where it is, if it was installed."""
    home = os.environ.get("CHATBRANCH_OIDC_PROVIDER") or Path.home() / ".cache/chatbranch-tests/oidc_provider"
    return Path(home) / "bin" / "oidc-provider-mock"


@contextmanager
def provider() -> Iterator[str]:
    """It runs until the end; its issuer."""
    if not program().exists():
        pytest.skip("needs oidc-provider-mock: python3 tests/servers/install.py")
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    claims = '{"sub": "wen-of-the-river", "email": "wen@river.example", "name": "Wen"}'
    command = [str(program()), "--port", str(port), "--require-nonce", "true", "--user-claims", claims]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            try:
                httpx.get(issuer, verify=False)
                break
            except httpx.TransportError:
                assert process.poll() is None, "oidc-provider-mock did not start"
                time.sleep(0.05)
        yield issuer
    finally:
        process.kill()
        process.wait(20)
