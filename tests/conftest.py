"""How many examples hypothesis tries: a quarter of them in the unit run, all in ``make slow``.

What asks for more, or less, than others says so in multiples of `settings.default.max_examples`.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("unit", max_examples=25, deadline=None)
settings.register_profile("thorough", max_examples=100, deadline=None)
settings.load_profile(os.environ.get("P4IPSEC_PROPERTIES", "unit"))
