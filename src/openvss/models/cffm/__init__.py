"""CFFM and CFFM++: features of the target mined from frames before it and from the whole video."""
