"""What a report shows: drawn with Pillow, from numbers and label maps only."""
