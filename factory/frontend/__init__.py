"""Frontend plugins: what their source exports, what their bundles expose, and who shows them."""
