"""E-mail: sends only. Receiving comes when a branch wants a mailbox read."""
