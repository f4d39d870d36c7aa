"""Training: one loop, its step, its schedules and its processes."""
