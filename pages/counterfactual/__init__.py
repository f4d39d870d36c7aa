"""Parts of the page that walks a face past the detectors."""
