"""The provider in the settings: whole or not at all, and its secret from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatbranch.site.config import BadSetting, Config, load

TABLE = '[oidc]\nname = "Our guild"\nissuer = "https://id.example"\nclient_id = "branch"\n'


def loaded(folder: Path, table: str, **environ: str) -> Config:
    (folder / "chatbranch.toml").write_text(table, encoding="utf-8")
    return load({"CHATBRANCH_DATA": str(folder), **environ})


def test_its_secret_comes_from_the_environment_and_is_no_connector(tmp_path: Path) -> None:
    config = loaded(tmp_path, TABLE, CHATBRANCH_OIDC_CLIENT_SECRET="seven lamps")
    assert config.oidc == {
        "name": "Our guild",
        "issuer": "https://id.example",
        "client_id": "branch",
        "client_secret": "seven lamps",
    }
    assert config.connectors == {}


def test_without_the_table_there_is_none(tmp_path: Path) -> None:
    assert loaded(tmp_path, "").oidc == {}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (TABLE.replace('client_id = "branch"\n', ""), "lacks client_id"),
        (TABLE + 'userinfo = "https://id.example/me"', "must be one table"),
        ("oidc = true", "must be one table"),
        (TABLE.replace("https://", "http://"), "must begin with https://"),
    ],
)
def test_a_table_that_is_not_whole_or_not_safe_stops_the_start(tmp_path: Path, table: str, said: str) -> None:
    with pytest.raises(BadSetting, match=said):
        loaded(tmp_path, table)
