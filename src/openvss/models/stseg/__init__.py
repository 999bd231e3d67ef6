"""STSeg and the system that it builds on, SED: dense image-text similarity, decoded word by word."""
