"""Software that is not ours, held against the published log: what it finds, anyone can find."""
