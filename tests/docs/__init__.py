"""The documentation, held to the code: what is undocumented, or documented and gone, fails here."""
