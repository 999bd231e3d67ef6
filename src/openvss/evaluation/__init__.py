"""Numbers people can trust: metrics, protocols, reports."""
