"""Faces that follow a slider: drawn in the visitor's browser, or by the server where that is faster or all there is."""
