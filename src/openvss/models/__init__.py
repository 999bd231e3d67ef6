"""The models, one package a system; what several of them share is in `base`, `encoders` and `layers`."""
