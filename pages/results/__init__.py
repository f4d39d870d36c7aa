"""What a finished run shows of itself, the same for every model: pictures, curves, scores."""
