"""What a run makes for itself as it learns: pseudo-labels and contexts."""
