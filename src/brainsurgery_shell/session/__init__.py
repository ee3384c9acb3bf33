"""A session: workspace, history, journal, plans in and out."""
