"""What operations work on: open checkpoints, matches in them, and the edits and reports they return."""
