"""The configuration file: YAML with IOS names, read into typed models.

`loader.load_config` is the way in; `problems.ConfigError` carries every error at once.
"""
