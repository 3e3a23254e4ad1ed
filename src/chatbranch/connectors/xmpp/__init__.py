"""XMPP: rooms (XEP-0045) and one-to-one conversations, with history (XEP-0313), through any server."""
