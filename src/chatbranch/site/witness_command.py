"""`chatbranch witness`: cosign the public logs of other branches. It needs no branch, no settings and no database."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder with the witness's key, and what it cosigned last. Keep it safe.",
)
@click.option(
    "--name",
    default="",
    help="On the first start: the witness's name, e.g. witness.branch.example. It keeps it.",
)
@click.option("--log", "logs", multiple=True, help="The key of a log to cosign; may be given several times.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8090, show_default=True, help="Port to listen on."
)
def witness(state: Path, name: str, logs: tuple[str, ...], host: str, port: int) -> None:
    """Cosign the logs of other branches: only what continues what was cosigned before.

    Run it on a machine that is not the branch's own. Without --log it prints its key and ends.
    """
    from chatbranch.publiclog.notes import BadNote, Key
    from chatbranch.publiclog.witness import Witness, application, key_of

    if not name and not (state / "witness.key").exists():
        raise click.UsageError("give --name on the first start: the witness's name for ever")
    try:
        signer = key_of(state, name)
        keys = [Key.read(each) for each in logs]
    except BadNote as problem:
        raise click.ClickException(str(problem)) from problem
    click.echo(signer.key.vkey)
    if not keys:
        return
    import uvicorn

    app = application(Witness(signer, keys, state))
    uvicorn.run(
        app, host=host, port=port, lifespan="off", access_log=False, server_header=False, log_level="warning"
    )
