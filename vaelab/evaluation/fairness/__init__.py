"""Is it fairer? What the scores of an experiment can and cannot say about its arms."""
