#!/usr/bin/env python3
"""Start chatbranch, or test it, from a fresh clone:

    python3 run.py              install what is locked, then start the branch (options go to `chatbranch up`)
    python3 run.py test         install what is locked, then run the tests (options go to pytest)

Needs Python 3.11 or newer and nothing else: it fetches uv, at a pinned version and hash, and uv installs from uv.lock.
"""

from __future__ import annotations

import compileall
import hashlib
import os
import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
UV = "0.13.9"
INDEX = "https://pypi.org/simple/uv/"
WHEELS = {
    ("Linux", "x86_64", "glibc"): "d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19",
    ("Linux", "x86_64", "musl"): "2c45530751517d6c3bbc69a19473f6effe47cce047bede01ffd8af7ea7b36b25",
    ("Linux", "aarch64", "glibc"): "ecb6028d79dc96fbeafffe5c8af62a7099487ebc05a701e76714eebcffd06375",
    ("Linux", "aarch64", "musl"): "5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe",
    ("Darwin", "x86_64", ""): "c16ed11e013557536b3e60065f1b912f6407bd6518e041b961e23ef9e6b4fbf5",
    ("Darwin", "arm64", ""): "66c512266d633bef48384a1f53003f41f2a8e7b36fe6e7fbfd3e0fd52d96fa63",
}
# Three workers on two cores: the second tier waits for real servers and a browser half of its time. The third (soak) runs by
# hand: python3 run.py test -m soak
TEST = ["-m", "not soak", "-n", "3", "--dist", "loadfile", "--no-loadscope-reorder", "--durations=25"]


def main(arguments: list[str]) -> int:
    if sys.version_info < (3, 11):
        return fail(f"chatbranch needs Python 3.11 or newer; this is {platform.python_version()}.")
    testing = arguments[:1] == ["test"]
    install(testing)
    programs = ROOT / ".venv" / "bin"
    if testing:
        chosen = arguments[1:]
        tier = [] if any(each.startswith("-m") for each in chosen) else TEST
        os.chdir(ROOT)
        os.execv(programs / "python", [str(programs / "python"), "-m", "pytest", *tier, *chosen])
    os.execv(programs / "chatbranch", [str(programs / "chatbranch"), "up", *arguments])


def install(testing: bool) -> None:
    """Bring .venv to exactly what uv.lock says; nothing to do when it is there already."""
    stamp = ROOT / ".venv" / ".installed"
    locked = hashlib.sha256(
        (ROOT / "uv.lock").read_bytes() + (ROOT / "pyproject.toml").read_bytes()
    ).hexdigest()
    wanted = f"{locked} {sys.executable}"
    known = stamp.read_text().splitlines() if stamp.exists() else []
    if known[:1] == [wanted] and (not testing or "tests" in known):
        return
    groups = ["--all-groups"] if testing or "tests" in known else ["--no-default-groups"]
    print("Installing what uv.lock names …", flush=True)
    command = [
        str(find_uv()),
        "sync",
        "--frozen",
        "--quiet",
        "--compile-bytecode",
        "--python",
        sys.executable,
        *groups,
    ]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "UV_PYTHON_DOWNLOADS": "never"})
    if done.returncode:
        sys.exit(
            fail(
                "The installation did not finish; uv's message above says why. Running this again continues it."
            )
        )
    compileall.compile_dir(ROOT / "src", quiet=1)  # what uv did for the rest
    stamp.write_text("\n".join([wanted, *(["tests"] if "--all-groups" in groups else [])]))


def find_uv() -> Path:
    """uv at its pinned version, unpacked from its wheel into .tools/."""
    program = ROOT / ".tools" / f"uv-{UV}" / "uv"
    if not program.exists():
        kind = (platform.system(), platform.machine(), libc())
        if kind not in WHEELS:
            sys.exit(
                fail(
                    f"No uv is pinned for {' '.join(kind).strip()}. Install uv {UV}, run: uv sync --frozen, then: .venv/bin/chatbranch up"
                )
            )
        import io
        import zipfile

        wheel = fetch(WHEELS[kind])
        with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
            inside = next(name for name in archive.namelist() if name.endswith("/scripts/uv"))
            program.parent.mkdir(parents=True, exist_ok=True)
            draft = program.with_suffix(".new")
            draft.write_bytes(archive.read(inside))
            draft.chmod(0o755)
            draft.replace(program)
    return program


def libc() -> str:
    if platform.system() != "Linux":
        return ""
    return "glibc" if platform.libc_ver()[0] == "glibc" else "musl"


def fetch(digest: str) -> bytes:
    """uv's wheel with this SHA-256, from the package index; through pip's own settings where there is no direct way."""
    for way in (fetch_directly, fetch_with_pip):
        try:
            wheel = way(digest)
        except Exception as error:
            print(f"  ({way.__name__.replace('_', ' ')}: {error})", file=sys.stderr)
            continue
        if hashlib.sha256(wheel).hexdigest() == digest:
            return wheel
        print(
            f"  ({way.__name__.replace('_', ' ')}: the file has another hash than the one pinned; not used)",
            file=sys.stderr,
        )
    sys.exit(
        fail(
            f"uv {UV} could not be fetched. Is there a connection to the package index? Behind a proxy, set HTTPS_PROXY."
        )
    )


def fetch_directly(digest: str) -> bytes:
    import json
    import urllib.request  # here, and not above: a second start need not wait for what only an installation uses

    asked = urllib.request.Request(INDEX, headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        files = json.load(answer)["files"]
    address = next(file["url"] for file in files if file["hashes"].get("sha256") == digest)
    with urllib.request.urlopen(address, timeout=300) as answer:
        return bytes(answer.read())


def fetch_with_pip(digest: str) -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        pinned = Path(folder) / "uv.txt"
        pinned.write_text(f"uv=={UV} --hash=sha256:{digest}\n")
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--require-hashes",
            "-r",
            str(pinned),
            "-d",
            folder,
        ]
        subprocess.run(command, check=True)
        return next(Path(folder).glob("*.whl")).read_bytes()


def fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
