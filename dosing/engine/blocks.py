"""How many rows of a matrix product to take at a time."""

from __future__ import annotations

# Below 2**18 multiplications OpenBLAS stays on one thread. On a machine whose processors are busy, waking the other
# threads for products as small as ours costs ten times what it saves.
SERIAL = 250_000


def rows_at_a_time(each_row: int) -> int:
    """Rows of a product with `each_row` multiplications per row that stay on one thread; at least 1."""
    return max(1, SERIAL // max(1, each_row))
