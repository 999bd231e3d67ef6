"""The report of an evaluation: numbers, pages and pictures."""
