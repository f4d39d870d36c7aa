"""Measures of a trained model: reconstruction, generation, likelihood, detection. Numbers come with their n and interval."""
