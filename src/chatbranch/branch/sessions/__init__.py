"""Where a member is signed in: listed in plain words, each ended with one press. No network address is kept."""
