"""Prepared data sets in the browser: what there is, what is in it, new ones from pictures or from shares of groups."""
