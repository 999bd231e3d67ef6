"""SegFormer: our own, and any of the Hugging Face hub."""
