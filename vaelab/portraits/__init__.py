"""Portraits, in which a face fills a part: its crop by the detector or windows of the whole, never mixed."""
