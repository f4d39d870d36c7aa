"""Every run on this machine: found, labelled, compared, kept, moved elsewhere and thrown away."""
