"""Finished plugins kept for the next time: what names them, where they are, how they come back."""
