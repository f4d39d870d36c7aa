"""Parts of the page about priors."""
