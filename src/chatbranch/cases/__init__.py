"""One falsehood, one case: evidence, notes, approval, and everyone who asked."""
