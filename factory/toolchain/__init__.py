"""The outside programs: node, yarn, npm, rhdh-cli; the one place that starts a process."""
