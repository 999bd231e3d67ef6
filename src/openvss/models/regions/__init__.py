"""Regions of an image, found without words, and the naming of them."""
