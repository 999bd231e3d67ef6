"""OV2VSS, "Towards Open-Vocabulary Video Semantic Segmentation": one file per module of the paper."""
