"""The frozen network that others look through: where its weights come from, and how they get into a network."""

from vaelab.backbone.attach import attach_backbone

__all__ = ["attach_backbone"]
