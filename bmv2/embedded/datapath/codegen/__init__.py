"""The code generator: bmv2 JSON in, the source of one Python function out."""
