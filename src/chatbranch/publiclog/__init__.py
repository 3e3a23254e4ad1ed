"""The public log: what the branch decided, in an order that nobody can change unseen, provable by anyone."""
