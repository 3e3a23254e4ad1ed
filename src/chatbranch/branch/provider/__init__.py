"""Signing in through an OpenID Connect provider that the settings name: for members who linked it themselves. It stands in for
the password, never for the second factor; it makes nobody a member, and of what it says only a keyed hash is kept."""
