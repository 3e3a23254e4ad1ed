"""Every setting there is: typed, few, from the environment (CHATBRANCH_<NAME>) or one TOML file. The environment wins.

docs/reference/settings.md describes each; a test fails when one is missing there.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import date, time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

TABLES = ("connectors", "oidc", "relay", "witnesses")
"""Settings that are tables of their own, in the file only (but for the keys of connectors and of oidc)."""
OIDC = ("name", "issuer", "client_id", "client_secret")


class BadSetting(Exception):
    """A setting cannot be read; the message says which, where it was set, and what would do."""


def _setting(default: Any, help: str) -> Any:
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True)
class Config:
    """The settings of one running branch."""

    data: Path = _setting(
        Path("data"), "Folder of everything this branch keeps: database, keys, files, indexes."
    )
    host: str = _setting("127.0.0.1", "Address the web process listens on.")
    port: int = _setting(8080, "Port the web process listens on.")
    public_url: str = _setting(
        "", "Address readers use, e.g. https://branch.example; needed behind a reverse proxy."
    )
    database_url: str = _setting(
        "", "postgresql://user:password@host/name; empty means SQLite in the data folder."
    )
    behind_proxy: bool = _setting(
        False, "Trust X-Forwarded-For and X-Forwarded-Proto from the reverse proxy in front."
    )
    network_asks_per_minute: int = _setting(
        120, "Messages a minute from one network (IPv4 address, IPv6 /64) without signing in; 0: no limit."
    )
    network_asks_per_day: int = _setting(3000, "The same on one day (UTC); 0: no limit.")
    network_objections_per_hour: int = _setting(
        10, "Objections an hour from one network without signing in; 0: no limit."
    )
    network_objections_per_day: int = _setting(50, "The same on one day (UTC); 0: no limit.")
    speak_unasked: bool = _setting(
        False, "Say in a room, unasked, that what was shared there is a published falsehood."
    )
    digest_at: str = _setting(
        "08:00+08:00", "When members get their daily digest: a time of day with its offset from UTC."
    )
    holidays: str = _setting(
        "", "Days that are no working days, for the times to reply: 2027-01-01, 2027-02-06, …"
    )
    model_dir: str = _setting(
        "",
        "Folder with model.onnx and tokenizer.json of a stronger sentence encoder; empty: the one shipped.",
    )
    log_level: str = _setting("INFO", "DEBUG, INFO, WARNING or ERROR.")
    connectors: Mapping[str, Mapping[str, str]] = field(
        default_factory=dict,
        metadata={
            "help": "One table a connector, [connectors.<name>]; a connector runs when its required settings are there."
        },
    )

    relay: Mapping[str, Mapping[str, object]] = field(
        default_factory=dict,
        metadata={
            "help": 'One table a conversation over several platforms, [relay.<name>]: lang, and rooms = ["channel address", …].'
        },
    )

    witnesses: Mapping[str, Mapping[str, str]] = field(
        default_factory=dict,
        metadata={
            "help": "One table a witness of the public log, [witnesses.<name>]: url, and key (its verifier key)."
        },
    )

    oidc: Mapping[str, str] = field(
        default_factory=dict,
        metadata={
            "help": "An OpenID Connect provider that members may link and sign in with: name, issuer, client_id, client_secret."
        },
    )

    @property
    def digest_time(self) -> time:
        """digest_at, with its offset."""
        return time.fromisoformat(self.digest_at)

    @property
    def keys(self) -> Path:
        """Folder of the secrets: kept apart from the data, never in a backup."""
        return self.data / "keys"

    @property
    def url(self) -> str:
        """The address to print and to put into messages."""
        # By name, not by number, where it is this machine: browsers refuse passkeys on an address without a name.
        here = "localhost" if self.host in ("0.0.0.0", "127.0.0.1", "::", "::1") else self.host  # noqa: S104
        return self.public_url.rstrip("/") or f"http://{here}:{self.port}"


def load(environ: Mapping[str, str] = os.environ) -> Config:
    """The settings from `environ` and from the TOML file it names (CHATBRANCH_CONFIG, else DATA/chatbranch.toml).

    Raises BadSetting for an unknown name or a value of the wrong type.
    """
    data = Path(environ.get("CHATBRANCH_DATA") or "data").expanduser().resolve()
    file = Path(environ.get("CHATBRANCH_CONFIG") or data / "chatbranch.toml")
    values: dict[str, Any] = {"data": data, **_from_file(file), **_from_environment(environ)}
    values["data"] = Path(values["data"]).expanduser().resolve()
    values["connectors"] = _connectors(values.get("connectors", {}), environ)
    values["oidc"] = _oidc(values.get("oidc", {}), environ)
    config = Config(**values)
    _check_time(config.digest_at)
    _check_days(config.holidays)
    return config


def _check_time(said: str) -> None:
    try:
        if time.fromisoformat(said).tzinfo is not None:
            return
    except ValueError:
        pass
    raise BadSetting(f"digest_at must be a time with its offset from UTC, like 08:00+08:00, not “{said}”.")


def _check_days(said: str) -> None:
    try:
        _ = [date.fromisoformat(each.strip()) for each in said.split(",") if each.strip()]
    except ValueError as error:
        raise BadSetting(
            f"holidays must be days like 2027-01-01, with commas between them: {error}"
        ) from error


def _from_file(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSetting(f"{file.name} is not valid TOML: {error}") from error
    known = {each.name: each for each in fields(Config)}
    for name, value in table.items():
        if name not in known:
            raise BadSetting(
                f"{file.name} sets “{name}”, which is no setting. Settings are: {', '.join(sorted(known))}."
            )
        if name == "relay" and not (
            isinstance(value, dict) and all(isinstance(each, dict) for each in value.values())
        ):
            raise BadSetting('relay must be tables: [relay.members], then rooms = ["irc #water", …].')
        if name == "witnesses" and not (
            isinstance(value, dict)
            and all(isinstance(each, dict) and {"url", "key"} == each.keys() for each in value.values())
        ):
            raise BadSetting(
                'witnesses must be tables: [witnesses.<name>], then url = "https://…" and key = "…".'
            )
        if name not in TABLES:
            table[name] = _typed(name, value, file.name)
    return table


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    names = {
        f"CHATBRANCH_{each.name.upper()}": each.name for each in fields(Config) if each.name not in TABLES
    }
    return {name: _typed(name, environ[key], key) for key, name in names.items() if environ.get(key)}


def _typed(name: str, value: Any, where: str) -> Any:
    default = next(each.default for each in fields(Config) if each.name == name)
    kind = str if default is MISSING else type(default)
    if issubclass(kind, Path):
        return Path(str(value))
    if kind is bool:
        if str(value).lower() in ("1", "true", "yes", "on"):
            return True
        if str(value).lower() in ("0", "false", "no", "off"):
            return False
        raise BadSetting(f"{where}: {name} must be true or false, not “{value}”.")
    try:
        return kind(value)
    except ValueError as error:
        raise BadSetting(f"{where}: {name} must be a whole number, not “{value}”.") from error


def _connectors(table: Any, environ: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Connector settings: [connectors.matrix] homeserver = … or CHATBRANCH_MATRIX_HOMESERVER=…"""
    if not isinstance(table, dict) or not all(isinstance(each, dict) for each in table.values()):
        raise BadSetting("connectors must be tables: [connectors.matrix], then one setting a line.")
    found = {name: {key: str(value) for key, value in each.items()} for name, each in table.items()}
    own = {f"CHATBRANCH_{each.name.upper()}" for each in fields(Config)} | {"CHATBRANCH_CONFIG"}
    for key, value in environ.items():
        if key.startswith("CHATBRANCH_OIDC_"):
            continue
        if key.startswith("CHATBRANCH_") and key not in own and key.count("_") >= 2 and value:
            name, _, setting = key.removeprefix("CHATBRANCH_").lower().partition("_")
            found.setdefault(name, {})[setting] = value
    return found


def _oidc(table: Any, environ: Mapping[str, str]) -> dict[str, str]:
    """The provider to sign in with: [oidc] issuer = … or CHATBRANCH_OIDC_ISSUER=…; empty where there is none."""
    if not isinstance(table, dict) or not table.keys() <= set(OIDC):
        raise BadSetting(f"oidc must be one table, [oidc], with {', '.join(OIDC)}.")
    said = {key: str(environ.get(f"CHATBRANCH_OIDC_{key.upper()}") or table.get(key, "")) for key in OIDC}
    found = {key: value for key, value in said.items() if value}
    lacking = [key for key in OIDC if key not in found and key != "client_secret"]
    if found and lacking:
        raise BadSetting(f"oidc lacks {', '.join(lacking)}.")
    issuer = urlsplit(found.get("issuer", "https://"))
    if issuer.scheme != "https" and issuer.hostname not in ("localhost", "127.0.0.1"):
        raise BadSetting(f"issuer of oidc must begin with https://, not “{found['issuer']}”.")
    return found
