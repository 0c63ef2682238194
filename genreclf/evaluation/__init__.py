"""Evaluation: who is trained on, who is tested, how good the predictions are, and which differences are real."""
