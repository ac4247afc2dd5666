"""The portal's side: from a ``dynamic-plugins.yaml`` to a folder of verified, staged plugins."""
