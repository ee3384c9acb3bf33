"""Text for people to look at: tables, folded names, drawn bars. Pure functions; the standard library only."""
