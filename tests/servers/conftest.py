"""The servers, for every test in this folder."""

from __future__ import annotations

from tests.servers.synapse import synapse

__all__ = ["synapse"]
