"""Measures of a trained model: reconstruction, generation, likelihood, detection. Each number has n and interval."""
