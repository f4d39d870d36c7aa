"""Starting a training: the launcher in the sidebar, and the form with every setting."""
