"""Recognises that a message says what was checked before: candidates, features, calibrated decision, guard."""
