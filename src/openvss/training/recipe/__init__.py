"""Recipes: what can be chosen, and how their files are read."""
