"""From crypto maps to packet types: what is protected, towards whom, and in what order."""
