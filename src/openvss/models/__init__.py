"""The models: what each room shares is in `base` and `layers`."""
