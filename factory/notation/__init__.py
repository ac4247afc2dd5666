"""JSON and YAML: text from elsewhere into values, within limits, and values into text."""
