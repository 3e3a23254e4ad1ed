"""The outbox: written in the deciding transaction, sent once by lanes under lease, with a ledger a person can read."""
