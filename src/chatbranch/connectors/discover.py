"""Which connectors there are, and which of them this branch has switched on.

Built-ins are the folders beside this file that hold a `setup.py`; third parties name their `Setup` in an
entry point of the group `chatbranch.connectors`. One that cannot be read is logged, and stops no other.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import cast

from chatbranch import connectors
from chatbranch.connectors.contract import Connector, Misconfigured, Setup, Webhook

log = logging.getLogger(__name__)

GROUP = "chatbranch.connectors"
SWITCH = "enabled"  # understood for every connector: [connectors.web] enabled = false
_OFF = ("0", "false", "no", "off")

Config = Mapping[str, Mapping[str, str]]  # connector name -> its settings


def setups() -> dict[str, Setup]:
    """Every connector that is installed, by name. A third party cannot take a built-in's name."""
    found: dict[str, Setup] = {}
    for setup in (*_built_in(), *_third_party()):
        if setup.name in found:
            log.warning("a second connector is named %s; the first one found is kept", setup.name)
        found.setdefault(setup.name, setup)
    return dict(sorted(found.items()))


def _built_in() -> Iterator[Setup]:
    for module in pkgutil.iter_modules(connectors.__path__, f"{connectors.__name__}."):
        if module.ispkg and find_spec(f"{module.name}.setup"):
            yield from _checked(f"{module.name}.setup:SETUP")


def _third_party() -> Iterator[Setup]:
    for entry in entry_points(group=GROUP):
        yield from _checked(entry.value)


def _checked(reference: str) -> Iterator[Setup]:
    """The Setup behind "module:name", or nothing, with a line in the log."""
    try:
        setup = _import(reference)
    except Exception:  # another's code: whatever it raises concerns this connector alone
        log.exception("the connector at %s cannot be read and is left out; reinstall or remove it", reference)
        return
    if isinstance(setup, Setup):
        yield setup
    else:
        log.error("the connector at %s is no Setup and is left out", reference)


def _import(reference: str) -> object:
    module, _, name = reference.partition(":")
    return cast(object, getattr(importlib.import_module(module), name))


def switched_on(config: Config) -> dict[str, Setup]:
    """The connectors whose required settings are all there. One set up by half is named in the log."""
    found = setups()
    for name in sorted(set(config) - set(found)):
        log.warning("settings for “%s”, but no such connector is installed: %s are", name, ", ".join(found))
    return {name: setup for name, setup in found.items() if _is_on(setup, config.get(name, {}))}


def _is_on(setup: Setup, given: Mapping[str, str]) -> bool:
    if given.get(SWITCH, "").lower() in _OFF:
        return False
    missing = [each.key for each in setup.settings if each.required and not given.get(each.key)]
    if missing and given:
        names = ", ".join(f"CHATBRANCH_{setup.name}_{key}".upper() for key in missing)
        log.error("connector %s stays off until it is told %s", setup.name, names)
    return not missing


def build(setup: Setup, given: Mapping[str, str]) -> Connector:
    """The connector, with defaults filled in. Raises Misconfigured for an unknown or impossible setting."""
    known = {each.key: each.default for each in setup.settings}
    unknown = sorted(set(given) - set(known) - {SWITCH})
    if unknown:
        raise Misconfigured(
            f"{setup.name} 没有“{unknown[0]}”这一项 / {setup.name} knows no setting “{unknown[0]}”; it knows {', '.join(known)}"
        )
    values = known | {key: value for key, value in given.items() if key in known and value}
    transport = cast("type[Connector]", _import(setup.transport))
    return transport(values)


def webhooks(config: Config) -> dict[str, Webhook]:
    """The switched-on connectors the web process serves, by name. A broken one is logged and left out."""
    built: dict[str, Webhook] = {}
    for name, setup in switched_on(config).items():
        if not setup.capabilities.webhook:
            continue
        try:
            connector = build(setup, config.get(name, {}))
        except Exception:  # one broken connector never takes the pages down
            log.exception("connector %s is not served: put its settings right and restart", name)
            continue
        if isinstance(connector, Webhook):
            built[name] = connector
    return built
