"""The real thing: whole builds of the shipped example, and what they leave."""
