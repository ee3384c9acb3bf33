"""The numpy formats, without numpy."""
