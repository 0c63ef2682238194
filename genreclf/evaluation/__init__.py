"""Evaluation: who is trained on, who is tested, how good the answers are, and which differences are real."""
