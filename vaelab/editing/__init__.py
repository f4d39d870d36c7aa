"""Faces and what is done to them: recipes that replay exactly, sliders, side effects, paths."""
