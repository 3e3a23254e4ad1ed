"""IRC: channels and private messages on any network, over TLS, with what IRCv3 a server offers."""
