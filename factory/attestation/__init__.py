"""What is said of an artifact so that others can check it: contents, origin, signature."""
