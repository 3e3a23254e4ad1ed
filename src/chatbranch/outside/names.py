"""Text records of domain names (TXT, RFC 1035 section 3.3.14), asked of the resolvers this machine is set up with."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

SECONDS = 3.0  # for each try of a resolver
TRIES = 2


class Unresolved(Exception):
    """No answer could be had. That a name has no such record is an answer: none."""


@dataclass(frozen=True)
class Resolvers:
    """Whom to ask: this machine's resolvers, or (in tests) those given, at `port`."""

    servers: Sequence[str] = ()
    port: int | None = None

    def texts(self, name: str) -> list[str]:
        """The text records of `name`, each put together from its parts; empty where it has none. Raises Unresolved."""
        return asyncio.run(self._texts(name))

    async def _texts(self, name: str) -> list[str]:
        import aiodns
        import pycares

        resolver = aiodns.DNSResolver(
            nameservers=list(self.servers) or None,
            timeout=SECONDS,
            tries=TRIES,
            udp_port=self.port,
            tcp_port=self.port,
        )
        try:
            found = await resolver.query_dns(name, "TXT")
        except aiodns.error.DNSError as error:
            if error.args[0] in (aiodns.error.ARES_ENOTFOUND, aiodns.error.ARES_ENODATA):
                return []
            raise Unresolved(str(error.args[-1])) from error
        except (ValueError, UnicodeError) as error:
            raise Unresolved(str(error)) from error
        finally:
            await resolver.close()
        return [
            each.data.data.decode("utf-8", "replace")
            for each in found.answer
            if isinstance(each.data, pycares.TXTRecordData)
        ]
