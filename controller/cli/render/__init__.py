"""What the commands print: pure functions from status to text, without the last line's end."""
