"""Real things that tests of several slices need: databases, servers."""
