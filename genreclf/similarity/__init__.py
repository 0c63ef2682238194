"""Similarity: metrics between tracks, hubness and its reduction, and an index of nearest neighbours."""
