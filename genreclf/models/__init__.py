"""Models: the zoo, a name for each estimator, and the bundle, a trained model on disk."""
