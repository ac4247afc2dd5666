Dropped by the patch.
