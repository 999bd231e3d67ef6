"""Files that survive interruptions: whole or not at all, one writer at a time, resumed to the same bytes."""
