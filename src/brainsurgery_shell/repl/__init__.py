"""The interactive shell: the only place that knows prompt_toolkit."""
