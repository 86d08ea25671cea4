"""One run over one image, and its results on disk."""
