"""End-to-end encryption (Matrix Client-Server API v1.16, section "End-to-End Encryption"), on vodozemac.

`seals.Seals` is the door: it opens what comes encrypted and encrypts what leaves for a room that wants it. Every key is
kept through the house (`Host.remember`), sealed in the branch's database and in its backups; there is no other store.
A device seen for the first time is trusted, and from then on only with the same key.
"""
