"""Checkpoints on disk: headers, folders of shards, and output that appears whole or not at all."""
