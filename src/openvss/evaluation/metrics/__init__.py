"""Metrics: what is counted, and the scores that follow from it."""
