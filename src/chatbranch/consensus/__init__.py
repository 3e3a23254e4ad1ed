"""When a note is accepted: only by those who usually disagree. Pure rules."""
