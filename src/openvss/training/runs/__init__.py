"""Runs on disk: their folder, saved state and log."""
