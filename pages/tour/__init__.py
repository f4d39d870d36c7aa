"""The guided tour "VAE in ten minutes": a small card that goes along from page to page."""
