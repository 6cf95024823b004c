"""Coverage-guided fuzzing of what takes bytes from strangers: ``make fuzz``.

A target (`fuzz.targets`) is a function of bytes that raises if something is wrong, and a corpus of
real inputs to start from. `fuzz.run` gives it to atheris; ``python -m fuzz reproduce`` calls it
with one file, and needs no atheris.
"""

import sys
from pathlib import Path

# The network in memory, the adversary and the authority are the tests' helpers.
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "ike"))
