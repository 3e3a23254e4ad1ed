"""Where an answer goes: reply addresses, encrypted, keyed by a pseudonym that holds for one subject only."""
