"""What a build would do: offline, online, over how many machines."""
