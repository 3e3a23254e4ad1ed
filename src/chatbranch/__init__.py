"""chatbranch: an association of independent publishers checks rumours together, across platforms."""

__version__ = "0.1.0"
