"""What is left in writing of a run: reports, their merging, summaries and outputs for CI."""
