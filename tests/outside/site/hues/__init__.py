"""A package of somebody else that adds a model to OpenVSS."""
