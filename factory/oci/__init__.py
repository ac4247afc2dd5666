"""Images as values: layers, manifests, layouts; and the registry that takes them."""
