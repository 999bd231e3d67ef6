"""What the bundled model is worth."""
