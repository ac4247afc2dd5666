"""What a portal's configuration says to a plugin, proved against what the plugin ships."""
