"""Configuration directories made from a look at the source: what ``plugin-factory init`` writes."""
