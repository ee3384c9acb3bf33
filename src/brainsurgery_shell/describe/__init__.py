"""Help: operations and assertions from their declarations, and topics that no declaration holds."""

from brainsurgery_shell.describe.declared import load_declarations, summary
from brainsurgery_shell.describe.help import help_text, help_topics
from brainsurgery_shell.describe.topics import topic_names

__all__ = ["help_text", "help_topics", "load_declarations", "summary", "topic_names"]
