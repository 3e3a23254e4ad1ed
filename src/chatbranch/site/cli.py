"""The command line: `chatbranch --help`."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from chatbranch.site.consensus_command import consensus
from chatbranch.site.log_command import log
from chatbranch.site.progress import Bar
from chatbranch.site.witness_command import witness


def _setup() -> None:
    """Load Django, and say in one line what is wrong with the settings if they cannot be read."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbranch.site.settings")
    from chatbranch.site.config import BadSetting

    try:
        import django

        django.setup()
    except BadSetting as problem:
        raise click.ClickException(str(problem)) from problem


class _Refusing(click.Group):
    """Turns a refusal into one clear line and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        from chatbranch.kernel.errors import Refused

        try:
            return super().invoke(ctx)
        except Refused as refusal:
            raise click.ClickException(refusal.say(_lang())) from refusal


def _lang() -> str:
    from chatbranch.kernel.phrases import as_lang

    return as_lang(os.environ.get("LC_ALL") or os.environ.get("LANG") or "en")


@click.group(
    cls=_Refusing, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="chatbranch")
@click.option(
    "--data", type=click.Path(path_type=Path), help="Folder of the branch's data (default: ./data)."
)
def main(data: Path | None) -> None:
    """chatbranch: an association of independent publishers checks rumours together."""
    if data is not None:
        os.environ["CHATBRANCH_DATA"] = str(data)


@main.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the branch's data.")
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
@click.option("--demo", is_flag=True, help="A fictional branch of six outlets, to try everything at once.")
def up(host: str | None, port: int | None, data: Path | None, no_browser: bool, demo: bool) -> None:
    """Start the branch: migrate, load the sample library, and run its three processes."""
    chosen = {"CHATBRANCH_HOST": host, "CHATBRANCH_PORT": port, "CHATBRANCH_DATA": data}
    os.environ.update({name: str(value) for name, value in chosen.items() if value is not None})
    from chatbranch.site import start

    sys.exit(start.up(browser=not no_browser, demo=demo))


@main.command()
@click.argument("text")
@click.option("--json", "as_json", is_flag=True, help="Print the whole answer as one JSON object.")
@click.option("--lang", type=click.Choice(["zh-Hans", "zh-Hant", "en"]), help="Language of the answer.")
def check(text: str, as_json: bool, lang: str | None) -> None:
    """Check a suspicious message (TEXT, or - to read standard input) against the library."""
    _ready(sample=True)
    from chatbranch.intake import actions
    from chatbranch.kernel import clock, ids
    from chatbranch.kernel.messages import Inbound

    said = _stdin() if text == "-" else text
    name = str(ids.new_id())
    inbound = Inbound("cli", name, "", name, said, clock.now(), lang=lang or "")
    _, answer = actions.do_check(inbound)
    click.echo(json.dumps(answer.as_dict(), ensure_ascii=False, indent=1) if as_json else answer.message)


def _stdin() -> str:
    try:
        return sys.stdin.buffer.read(2_000_000).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise click.ClickException(
            "standard input is not UTF-8; convert it first (iconv -f GB18030 -t UTF-8)"
        ) from error


@main.command(name="import")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--origin", default="", help="Whom rows are from that do not say so themselves.")
@click.option(
    "--own", is_flag=True, help="PATH is this branch's own export: rows without an origin are its own checks."
)
def import_(path: Path, origin: str, own: bool) -> None:
    """Import checks from PATH: ClaimReview JSON-LD (page, list, DataFeed or folder) or JSON Lines.

    Safe to repeat, and to interrupt: run it again, and it goes on.
    """
    _ready()
    from chatbranch.claims.importing import RefusedRow, do_import_file

    def tell(row: RefusedRow) -> None:
        click.echo(f"  line {row.line}: {row.reason.say(_lang())}", err=True)

    with Bar("Importing") as bar:
        report = do_import_file(path, origin=origin, own=own, progress=bar.at, report=tell)
    click.echo(
        f"{report.added} added, {report.changed} changed, {report.unchanged} unchanged, {report.refused_count} refused"
    )
    _index()


def _index() -> None:
    """Bring the search index up to date here, with a bar: the worker of a running branch would do it out of sight."""
    from chatbranch.claims import queries
    from chatbranch.matching.actions import do_index_new

    total, done = queries.wording_count(), 0
    with Bar("Indexing") as bar:
        while count := do_index_new():
            done += count
            bar.at(min(done, total), total)


@main.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "claimreview", "corrections"]),
    default="jsonl",
    show_default=True,
)
def export(path: Path, form: str) -> None:
    """Export the library to PATH: JSON Lines (lossless), or a ClaimReview DataFeed.

    With corrections, PATH becomes a folder: a set of the messages whose match members corrected, to fit and evaluate on.
    """
    _ready()
    if form == "corrections":
        _export_corrections(path)
        return
    from chatbranch.claims.exporting import do_export_file

    with Bar("Exporting") as bar:
        count = do_export_file(path, form=form, progress=bar.at)
    click.echo(f"{count} claims written to {path}")


def _export_corrections(folder: Path) -> None:
    from chatbranch.matching.lessons import do_export_lessons

    if folder.exists() and not folder.is_dir():
        raise click.ClickException(f"{folder} is a file; corrections are written into a folder")
    with Bar("Exporting") as bar:
        done = do_export_lessons(folder, bar.at)
    click.echo(f"{done.messages} corrected messages written to {folder}")
    if done.not_kept or done.disputed:
        click.echo(
            f"left out: {done.not_kept} of which no member says that the text may be kept, "
            f"{done.disputed} on which outlets contradict each other"
        )


@main.command()
def reindex() -> None:
    """Rebuild the search index from the database; the branch may keep running."""
    _ready()
    from chatbranch.matching.actions import do_reindex

    with Bar("Indexing") as bar:
        count = do_reindex(bar.at)
    click.echo(f"{count} wordings indexed")


@main.command()
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Instead of DIR: the branch's own messages whose match members corrected since then.",
)
@click.option("--split", default="", help="Only the queries of this split.")
@click.option(
    "--unknown-ratio",
    type=click.FloatRange(min=0),
    default=9.0,
    show_default=True,
    help="How many messages that nobody checked come for each that somebody did.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one JSON object.")
@click.option(
    "--model",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder with another encoder (and its fitted.json), as the setting model_dir names.",
)
def evaluate(
    folder: Path | None,
    since: datetime | None,
    split: str,
    unknown_ratio: float,
    as_json: bool,
    model: Path | None,
) -> None:
    """Measure the matcher on a set of your own: DIR holds claims.jsonl and queries.jsonl.

    Nothing is fitted, and the branch's own library is not touched. With --since, measure it on the branch's own library by
    what members said of its matches: what was right when they were corrected, and what is now.
    """
    if since is not None:
        if folder is not None or split or model is not None:
            raise click.UsageError("--since asks the branch itself: give it without DIR, --split or --model")
        _evaluate_since(since.replace(tzinfo=UTC), as_json=as_json)
        return
    if folder is None:
        raise click.UsageError("give DIR, or --since DATE")
    from chatbranch.matching.dataset import load
    from chatbranch.matching.encoder import Encoder, ModelUnusable
    from chatbranch.matching.evaluate import evaluate as evaluated
    from chatbranch.matching.rules import fitted_for

    dataset = load(folder, (split,) if split else ())
    bars = {"claims": Bar("Indexing"), "queries": Bar("Asking")}
    try:
        encoder = Encoder.open(model)
    except ModelUnusable as problem:
        raise click.ClickException(str(problem)) from problem
    with bars["claims"], bars["queries"]:
        report = evaluated(
            dataset,
            encoder,
            fitted=fitted_for(model),
            unknown_ratio=unknown_ratio,
            progress=lambda what, done, total: bars[what].at(done, total),
        )
    click.echo(json.dumps(report.as_dict(), ensure_ascii=False, indent=1) if as_json else report.table())


def _evaluate_since(since: datetime, *, as_json: bool) -> None:
    _ready()
    from chatbranch.matching.since import evaluate_since

    with Bar("Asking") as bar:
        report = evaluate_since(since, bar.at)
    click.echo(json.dumps(report.as_dict(), ensure_ascii=False, indent=1) if as_json else report.table())


@main.command()
@click.argument("target", type=click.Path(path_type=Path))
def backup(target: Path) -> None:
    """Write one checked file with everything but the keys. The branch may keep running."""
    _ready()
    from chatbranch.site.backup import do_backup

    with Bar("Backing up") as bar:
        made = do_backup(target, bar.at)
    click.echo(made.say(_lang()))


@main.command()
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option("--without-keys", is_flag=True, help="The keys are lost: restore all but the reply addresses.")
def restore(source: Path, without_keys: bool) -> None:
    """Restore a backup. What is there now is moved aside, never deleted. Stop the branch first."""
    _setup()
    from chatbranch.site.backup import do_restore

    with Bar("Restoring") as bar:
        restored = do_restore(source, bar.at, without_keys=without_keys)
    click.echo(restored.say(_lang()))


main.add_command(consensus)
main.add_command(log)
main.add_command(witness)


@main.group()
def member() -> None:
    """Members: list, invite, and help one who lost access."""


@member.command(name="list")
def member_list() -> None:
    """Everybody in the branch."""
    _ready()
    from chatbranch.branch.models import Member

    for each in Member.objects.filter(left_at=None).select_related("outlet").order_by("name"):
        click.echo(f"{each.username:<20} {each.name:<20} {each.role:<8} {each.outlet.name}")


@member.command(name="invite")
@click.argument("outlet")
@click.option("--steward", is_flag=True, help="Whoever joins may invite others too.")
@click.option("--platform", default="", help="For a new outlet: the platform it publishes on.")
@click.option(
    "--owner",
    default="",
    help="For a new outlet: who is responsible for it; outlets of one owner count as one.",
)
@click.option("--bloc", default="", help="For a new outlet: the outlets it shares readers or a region with.")
@click.option(
    "--means", type=click.Choice(["audience", "region"]), default="audience", help="What the bloc stands for."
)
@click.option("--whom", default="", help="What the person is called; needed after the branch's first month.")
def member_invite(
    outlet: str, steward: bool, platform: str, owner: str, bloc: str, means: str, whom: str
) -> None:
    """Print a link with which one person joins OUTLET: single use, valid for seven days.

    After the branch's first month it is good for fourteen, and needs two members who vouch for the person at the desk.
    """
    _ready()
    from django.conf import settings

    from chatbranch.branch import actions, rules
    from chatbranch.branch.details import NewOutlet
    from chatbranch.branch.models import Member, Outlet

    inviter = Member.objects.filter(left_at=None, role=Member.Role.STEWARD).order_by("joined_at").first()
    if inviter is None:
        raise click.ClickException("the branch is not founded yet; start it with: chatbranch up")
    known = Outlet.objects.filter(name=outlet, left_at=None).first()
    joining = known or NewOutlet(outlet, platform, owner, bloc, means)
    role = rules.STEWARD if steward else rules.MEMBER
    token = actions.do_invite(inviter, joining, role, whom=whom, vouches=False)
    click.echo(f"{settings.CONFIG.url}/join/{token}/")


@member.command(name="reset")
@click.argument("username")
def member_reset(username: str) -> None:
    """Print a one-time link with which USERNAME sets a new password and second factor."""
    _ready()
    from django.conf import settings

    from chatbranch.branch import actions
    from chatbranch.branch.models import Member

    found = Member.objects.filter(username__iexact=username, left_at=None).first()
    if found is None:
        raise click.ClickException(f"no member is called “{username}”; see: chatbranch member list")
    click.echo(f"{settings.CONFIG.url}/renew/{actions.do_prepare_renewal(found)}/")


def _ready(*, sample: bool = False) -> None:
    """Django loaded, and the tables as this version needs them; with `sample`, something in the library to begin with."""
    _setup()
    from chatbranch.site import start

    start.prepare(sample=sample)


if __name__ == "__main__":
    main()
