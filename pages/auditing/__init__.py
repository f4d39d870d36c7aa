"""The parts of the Audit page: what is shown of an experiment, and how one is started."""
