"""Image and text encoders that models are built on."""
