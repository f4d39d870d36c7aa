"""Parts of the page with the map of faces."""
