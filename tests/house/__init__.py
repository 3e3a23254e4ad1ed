"""The rules of the house, checked by machine: who may import whom, style, types, files, safeguards."""
