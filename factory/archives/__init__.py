"""Archives from elsewhere, read without trusting them: tar entries, unpacking, integrity."""
