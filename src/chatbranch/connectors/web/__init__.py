"""Web chat: a conversation on our own page. Nothing is pushed; the page keeps a stream of server-sent events open."""
