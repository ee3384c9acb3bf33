"""Pickles, read without running any of them."""
