"""A log folder of each test's own."""

from chatbranch.publiclog.tests.conftest import own_log

__all__ = ["own_log"]
