"""The models, one package per system; what several of them share is in `base`, `encoders` and `layers`."""
