"""Showing that an outlet controls an account, and never who anybody is.

`rules` says which ways there are and how long each holds; `dns`, `wellknown`, `relme`, `bluesky` and `post` each know one
way (pure); `likeness` knows what looks like what; `checking` looks; `actions` writes down what was seen.
"""
