"""The forwarding half of the embedded switch: bmv2 JSON, compiled to Python."""

from bmv2.embedded.datapath.codegen.compiler import CompiledProgram, compile_program
from bmv2.embedded.datapath.switch import EmbeddedDatapath

__all__ = ["CompiledProgram", "EmbeddedDatapath", "compile_program"]
