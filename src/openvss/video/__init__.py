"""Any input to timed frames, and labelled frames to files."""
