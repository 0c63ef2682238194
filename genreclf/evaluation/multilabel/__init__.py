"""Evaluation of many labels a track: folds, scores and comparisons of taggers."""
