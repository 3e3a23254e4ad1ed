"""The ground of the house: identifiers, clock, errors, text, messages. Imports nothing of ours and no Django."""
