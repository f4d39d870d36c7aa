"""What may be said about groups: recall at matched false-positive rates, its gaps, effects and verdicts."""
