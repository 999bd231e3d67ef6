"""Self-training."""
