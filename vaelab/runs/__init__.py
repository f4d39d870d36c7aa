"""Run folders: the only channel between a training and everything that looks at it."""
