"""File formats of checks: bytes in, entries out, and back. Pure: no Django, no database, no network."""
