"""Letting a member in again who lost their phone: by two members of different owners, after a day, in which the member can
stop it from wherever they are still signed in."""
