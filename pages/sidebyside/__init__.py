"""Parts of the page that sets two models side by side."""
