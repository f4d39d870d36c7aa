"""What the pages share: navigation, theme, loaders, the error boundary and the server around them."""
