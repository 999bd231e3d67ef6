"""What uses the library and is not part of it."""
