"""The torch format: what ``torch.save`` writes, without torch."""
