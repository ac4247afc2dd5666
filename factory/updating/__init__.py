"""Configuration directories kept current: which ref fits the portal, and the files that say so."""
