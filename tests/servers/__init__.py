"""Real servers for the tests, each started on loopback and ended with them. They skip where nothing is installed."""
