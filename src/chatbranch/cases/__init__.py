"""One falsehood, one case: evidence, notes, ratings, and everyone who asked."""
