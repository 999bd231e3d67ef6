"""Metrics: what is counted, and the scores computed from it."""
