"""The library of checks: claims, their wordings, and verdicts that are appended, never edited."""
