"""What else than the KL can hold latents together, and what else than pixels a reconstruction can be compared by."""
