"""What a built frontend plugin adds to a page, and of what it is made."""
