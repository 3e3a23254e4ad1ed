"""Where a message enters: normalise, pseudonymise, acknowledge, drop floods, answer."""
