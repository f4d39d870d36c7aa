"""Measures of a trained model: reconstruction, detection by group, latents. Numbers come with their n and interval."""
