"""What the pipeline's tables mean, and how they get into a switch. Nothing else knows a table."""
