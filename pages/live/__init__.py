"""Watching a training: its state in words, curves, faces as they change, and the hands on it."""
