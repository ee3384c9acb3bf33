"""Zip archives: read strictly, laid out as streams."""
