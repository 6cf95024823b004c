"""The embedded switch: runs bmv2 JSON in this process and serves P4Runtime."""
