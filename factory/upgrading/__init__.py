"""What becomes of a portal's list of plugins when the portal moves to another release."""
