"""vaelab: train, walk through and audit variational autoencoders on faces."""

__version__ = "0.1.0"
