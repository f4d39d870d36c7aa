"""A photo -> the faces that a trained detector sees in it: one convolutional pass per level of an image pyramid."""
