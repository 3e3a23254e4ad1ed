"""`chatbranch consensus`: the scorer by itself, for researchers. It needs no branch, no settings and no database."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:  # numpy is loaded by whoever scores, not by every command
    from chatbranch.consensus.ratings import Ratings
    from chatbranch.consensus.scoring import Scored

Files = tuple[Path, ...]
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def consensus() -> None:
    """Which notes are accepted by those who usually disagree: the scorer by itself, on public data."""


@consensus.command()
@click.option(
    "--polis",
    type=_FILE,
    help="Votes of a Polis conversation (votes.csv).",
)
@click.option(
    "--agree",
    type=click.Choice(["1", "-1"]),
    default="1",
    show_default=True,
    help="The vote that means “agree” in it.",
)
@click.option(
    "--ratings",
    type=_FILE,
    multiple=True,
    help="Ratings of Community Notes (TSV); may be given several times.",
)
@click.option(
    "--notes",
    type=_FILE,
    multiple=True,
    help="Their notes (TSV): ratings of other notes are left out.",
)
@click.option(
    "--costs",
    type=click.Choice(["pinned", "reference"]),
    default="pinned",
    show_default=True,
    help="What parameters cost: always the same, or by the averages of the data as the reference has it.",
)
@click.option(
    "--rounds",
    type=click.Choice(["1", "2"]),
    default="1",
    show_default=True,
    help="1: every rater counts the same. 2: then again, with raters who agreed with what both sides decided counting more; "
    "from 101 raters on.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def score(
    polis: Path | None, agree: str, ratings: Files, notes: Files, costs: str, rounds: str, as_json: bool
) -> None:
    """Fit mu, intercepts and factors to their optimum, and give every note a status and the rule behind it."""
    if (polis is None) == (not ratings):
        raise click.UsageError("give either --polis votes.csv or --ratings ratings.tsv")
    from chatbranch.consensus import factorisation, formats, scoring
    from chatbranch.consensus.rounds import fit_in_rounds

    try:
        read = _polis(polis, int(agree)) if polis else _community_notes(ratings, notes)
    except (formats.Unreadable, UnicodeDecodeError) as problem:
        raise click.ClickException(f"{polis or ratings[0]}: {problem}") from problem
    makers = {"pinned": factorisation.Costs.pinned, "reference": factorisation.Costs.of_the_reference}
    found = (fit_in_rounds if rounds == "2" else factorisation.fit)(read, makers[costs](read))
    scored = list(scoring.score(read, found))
    summary = scoring.summary(read, found)
    if as_json:
        click.echo(json.dumps({**summary, "notes": [each.as_dict() for each in scored]}))
    else:
        _table(scored)
        click.echo(
            f"{len(read):,} ratings by {read.raters:,} raters: loss {found.loss:.6f}, mu {found.mu:.4f}, "
            f"rounds {summary['rounds']}"
        )


def _polis(path: Path, agree: int) -> Ratings:
    from chatbranch.consensus.formats import read_polis

    with path.open(encoding="utf-8-sig", newline="") as lines:
        return read_polis(lines, agree)


def _community_notes(ratings: Files, notes: Files) -> Ratings:
    from chatbranch.consensus.formats import read_community_notes, read_note_ids

    with ExitStack() as open_files:
        only = read_note_ids(_opened(notes, open_files)) if notes else None
        return read_community_notes(_opened(ratings, open_files), only)


def _opened(paths: Files, open_files: ExitStack) -> list[TextIO]:
    return [open_files.enter_context(path.open(encoding="utf-8")) for path in paths]


def _table(scored: Iterable[Scored]) -> None:
    """One line a note, for people."""
    click.echo(f"{'note':<20} {'intercept':>9} {'factor':>7} {'bounds':>15} {'ratings':>7}  status (rule)")
    for each in scored:
        reach = f"{each.lower:.2f} … {each.upper:.2f}"
        numbers = f"{each.intercept:>9.3f} {each.factor:>7.3f} {reach:>15} {each.ratings:>7}"
        click.echo(f"{each.id:<20} {numbers}  {each.status} ({each.rule})")
