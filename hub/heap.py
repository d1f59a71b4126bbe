"""What a process has loaded and keeps for good."""

from __future__ import annotations

import gc


def keep() -> None:
    """Leaves out of the garbage collector's rounds all that is there now: libraries, models, indexes.

    A whole round looks at each object with every thread standing still: 0.3 s for what a hub has loaded (measured on
    two cores), in the middle of a rush, and nothing of it is ever garbage.
    """
    gc.collect()
    gc.freeze()
