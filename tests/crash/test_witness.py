"""kill -9 of a witness while it cosigns: it never speaks for two histories. The long campaign runs with `-m soak`."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from chatbranch.publiclog.notes import Checkpoint, Key, Note
from chatbranch.publiclog.submissions import Submission
from chatbranch.publiclog.witness import place_of
from tests.foreign.made import KEY, Log, entries
from tests.support.house import wait_for
from tests.support.ports import free_port

pytestmark = pytest.mark.server


@contextmanager
def witness(state: Path) -> Iterator[tuple[subprocess.Popen[str], str, Key]]:
    """`chatbranch witness` as it runs in life: the process, its address, its key."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "chatbranch.site.cli",
        "witness",
        "--state",
        str(state),
        "--name",
        "w.example",
    ]
    running = subprocess.Popen(
        [*command, "--log", KEY.key.vkey, "--port", str(port)], stdout=subprocess.PIPE, text=True
    )
    assert running.stdout
    try:
        key = Key.read(running.stdout.readline().strip())
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: listens(url), 20, "the witness")
        yield running, url, key
    finally:
        running.kill()
        running.wait(10)


def listens(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 404
    except httpx.TransportError:
        return False


def last(url: str) -> Checkpoint:
    """What the witness shows as the last it cosigned; the empty log before that."""
    shown = httpx.get(f"{url}/{place_of(KEY.key.name)}/checkpoint")
    return (
        Checkpoint.read(Note.read(shown.content).text) if shown.status_code == 200 else Checkpoint("", 0, b"")
    )


@pytest.mark.parametrize("kills", [4, pytest.param(100, marks=pytest.mark.soak)])
def test_a_witness_killed_at_any_moment_never_speaks_for_two_histories(tmp_path: Path, kills: int) -> None:
    state, chance = tmp_path / "witness", random.Random(kills)
    histories = [entries(20 * kills + 20, seed) for seed in (1, 2)]
    cosigned: dict[int, set[bytes]] = {}

    def submit(url: str, key: Key, history: list[bytes], old: int, size: int) -> None:
        log = Log(history[:size], tmp_path)
        said = Submission(old, tuple(log.tree.consistency_proof(old)), log.checkpoint.signed(KEY))
        try:
            answer = httpx.post(f"{url}/add-checkpoint", content=said.body.encode())
        except httpx.TransportError:
            return  # it was killed
        if answer.status_code == 200:
            body = log.checkpoint.signed(KEY).partition("\n\n")[0] + "\n"
            assert Note.read(f"{body}\n{answer.text}").by([key]), "not its signature"
            cosigned.setdefault(size, set()).add(log.checkpoint.root)

    for _ in range(kills):
        with witness(state) as (running, url, key), ThreadPoolExecutor(2) as others:
            old = last(url).size
            sizes = [(history, old + step) for step in range(1, 6) for history in histories]
            chance.shuffle(sizes)
            asked = [others.submit(submit, url, key, history, old, size) for history, size in sizes]
            asked[chance.randrange(len(asked))].result()
            running.kill()
    with witness(state) as (_, url, _):
        shown = last(url)
    assert cosigned
    assert all(len(roots) == 1 for roots in cosigned.values()), "it cosigned two logs of one size"
    assert max(cosigned) <= shown.size, "it forgot what it had cosigned"
    whole = [history for history in histories if Log(history[: shown.size], tmp_path).tree.root == shown.root]
    assert len(whole) == 1
    for size, roots in cosigned.items():
        assert roots == {Log(whole[0][:size], tmp_path).tree.root}, (
            f"of {size} entries it cosigned another history"
        )
