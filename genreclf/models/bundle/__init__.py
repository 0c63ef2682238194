"""Bundles: a trained model as one file of numbers and a manifest, which can be loaded without running code from it."""
