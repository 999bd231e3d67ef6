"""Files that survive interruptions: complete or absent, one writer at a time, same bytes after a resume."""
