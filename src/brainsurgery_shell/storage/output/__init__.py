"""Writing: what a format laid out becomes files that appear whole or not at all."""
