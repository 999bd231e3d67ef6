"""Data sets: one file each, plus the clips, views and splits made of them."""
