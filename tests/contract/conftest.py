"""The real counterparts, for every test in this folder."""

from __future__ import annotations

from tests.servers.inspircd import inspircd
from tests.servers.ngircd import ngircd
from tests.servers.synapse import synapse
from tests.servers.telegram_test_api import test_api

__all__ = ["inspircd", "ngircd", "synapse", "test_api"]
