"""Pictures in: sources, the one pixel convention, prepared stores, splits and groups."""
