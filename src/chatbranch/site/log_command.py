"""`chatbranch log`: audit a public log from outside, which needs no branch, no settings and no database; and look after one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chatbranch.site.progress import Bar

if TYPE_CHECKING:
    import httpx

    from chatbranch.publiclog.audit import Audited, Read
    from chatbranch.publiclog.notes import Key

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def log() -> None:
    """The public log: audit one, check a proof, change the key."""


@log.command()
@click.argument("target", metavar="URL")
@click.option(
    "--key",
    "vkey",
    default="",
    help="The key the log began with; without it, the one it publishes is believed.",
)
@click.option(
    "--accept",
    "accepted",
    multiple=True,
    help="A key that may follow one that was lost, because the branch says so elsewhere; may be given several times.",
)
@click.option(
    "--witness",
    "witnesses",
    multiple=True,
    help="The key of a witness that must have cosigned; may be given several times.",
)
@click.option(
    "--seen",
    type=_FILE,
    help="File with the checkpoint seen last time, of which the log must be the continuation; written anew at the end.",
)
def verify(
    target: str, vkey: str, accepted: tuple[str, ...], witnesses: tuple[str, ...], seen: Path | None
) -> None:
    """Audit the log at URL (an address, or a folder): every entry, hash, signature and cosignature.

    Ends with exit code 1 and one sentence on the first thing that is wrong.
    """
    from chatbranch.publiclog.audit import audit

    named, heirs = [_key(each) for each in witnesses], [_key(each) for each in accepted]
    before = seen.read_text(encoding="utf-8") if seen and seen.exists() else ""
    with Bar("Auditing") as bar, _reading(target) as read:
        found = audit(
            read,
            key=_key(vkey) if vkey else None,
            accepted=heirs,
            witnesses=named,
            seen=before,
            progress=bar.at,
        )
    if missing := {each.name for each in named} - set(found.cosigned):
        raise click.ClickException(f"not cosigned by {', '.join(sorted(missing))}")
    if seen:
        draft = seen.with_name(seen.name + ".new")
        draft.write_text(found.note, encoding="utf-8")
        draft.replace(seen)
    click.echo(_said(found, bool(before)))


def _said(found: Audited, continued: bool) -> str:
    lines = [
        f"{found.checkpoint.origin}: all {found.checkpoint.size} entries are what was signed.",
        f"key: {found.key.vkey}"
        + ("" if found.told else " (as the log itself says; compare it with what the branch says elsewhere)"),
    ]
    if found.now != found.key:
        lines.append(
            f"signs now with: {found.now.vkey} (each key was signed by the one before, or accepted by you)"
        )
    if found.cosigned:
        lines.append(f"cosigned by {', '.join(found.cosigned)}")
    if continued:
        lines.append("It is the continuation of what was seen before.")
    return "\n".join(lines)


@log.command(name="check-proof")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", "vkey", required=True, help="The key that signs the log.")
def check_proof(file: Path, vkey: str) -> None:
    """Check a proof (FILE: .tlog-proof or .spicy), without any network, and print the entry it proves."""
    from chatbranch.publiclog.notes import BadNote
    from chatbranch.publiclog.proofs import Proof

    try:
        proof = Proof.read(file.read_text(encoding="utf-8"))
        checkpoint = proof.verified([_key(vkey)])
    except (BadNote, UnicodeDecodeError) as problem:
        raise click.ClickException(f"{file.name}: {problem}") from problem
    click.echo(proof.entry.decode("utf-8", "replace"))
    click.echo(f"is entry {proof.index} of {checkpoint.size} in {checkpoint.origin}", err=True)


@log.command(name="rotate-key")
@click.option(
    "--lost",
    is_flag=True,
    help="The old key is lost and cannot sign: the one that is here now takes its place, and the log says so.",
)
def rotate_key(lost: bool) -> None:
    """Give this branch's log another key; the old one signs that in the log itself. Stop the branch first."""
    from chatbranch.site import cli

    cli._ready()
    from django.conf import settings

    from chatbranch.publiclog.actions import do_replace_lost_key, do_rotate_key
    from chatbranch.site.backup import branch_stopped

    with branch_stopped(settings.CONFIG.data):
        key = do_replace_lost_key() if lost else do_rotate_key()
    click.echo(key.vkey)
    click.echo(f"Copy {settings.CONFIG.keys} anew, and give your witnesses this key.", err=True)
    if lost:
        click.echo("Tell people in another way that this key is yours: nobody could sign that.", err=True)


def _key(vkey: str) -> Key:
    from chatbranch.publiclog.notes import BadNote, Key

    try:
        return Key.read(vkey)
    except BadNote as problem:
        raise click.ClickException(str(problem)) from problem


@contextmanager
def _reading(target: str) -> Iterator[Read]:
    """What reads the files of the log at this address or in this folder."""
    if not target.startswith(("http://", "https://")):
        from chatbranch.publiclog.folder import Folder

        if not Path(target).is_dir():
            raise click.ClickException(f"{target} is neither an address nor a folder")
        yield Folder(Path(target)).read
        return
    import httpx

    try:
        with httpx.Client(timeout=30, follow_redirects=True) as client:
            yield _over_http(client, target.rstrip("/"))
    except httpx.HTTPError as problem:
        raise click.ClickException(f"{target} cannot be read: {problem}") from problem


def _over_http(client: httpx.Client, url: str) -> Callable[[str], bytes]:
    def read(path: str) -> bytes:
        response = client.get(f"{url}/{path}")
        if response.status_code == 404:
            raise FileNotFoundError(path)
        response.raise_for_status()
        return response.content

    return read
