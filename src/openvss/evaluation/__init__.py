"""Scores: metrics, protocols, reports."""
