"""Relative geological time by horizon tracking: tie traces first, then infill.

The network gives each cell of a trace an embedding; of two cells in different traces, the product of their embeddings
says how likely they lie on one horizon (see correspondence.py). Tracking turns these probabilities into a *level* for
every cell: the index of its horizon, counted downwards, with a fraction between two horizons. Time is the level.

Terms: a *level* is the index of a horizon. Each row of the reference trace, the central one, starts one; so do rows
of a later trace that match no known horizon (strata that the reference trace lacks). *row_of_level* is the inverse:
the row of a trace at which each level lies. A row that matches no level is *unmatched*.

Worked example. Five rows per trace; B stands two rows lower than A (a fault with a throw of 2), C lies beyond it::

        A   B   C        levels of A           0 1 2 3 4   (the reference trace: level = row)
    0   a   r   r        B: rows 2-4 match a b c, rows 0-1 match none and lie above all levels: they become levels of
    1   b   s   s           their own, and what was there moves down:  r s a b c d e = 0 1 2 3 4 5 6
    2   c   a   s        A  2 3 4 5 6
    3   d   b   a        B  0 1 2 3 4
    4   e   c   b        C  0 1 1 2 3              (s is thicker here: its level is repeated)

A trace is aligned with the levels as two sequences are aligned, by dynamic programming (alignment.py) over the
scores that tracked traces give to each pair of a row and a level, by a compiled kernel (kernel.py) or by numpy
(scores.py, lattice.py).

Order of traces (tie_grid.py), 16 cells apart first, here along one axis (``O`` reference, ``T`` tie traces, numbers:
infill in that order)::

    T . . . . . . . T . . . . . . . O . . . . . . . T . . . . . . . T
    T 4 3 4 2 4 3 4 1 4 3 4 2 ...

1. *Tie traces* (tie_traces.py) are tracked one after another from the reference trace outwards, each compared with
   those 1 to 4 spacings back. Steps are wide, so that few mistakes add up, and strata that come in are thick enough
   to be told from mistakes. New levels are inserted in this phase alone.
2. *Infill* (infill.py): traces half-way between tracked ones, then half-way again, until none is left; each is aligned
   with the levels of tracked ones on both sides.
3. *Sweeps* over all traces, each compared with those up to 64 cells away on all sides as they were before the sweep.
4. What is doubtful is smoothed, and levels become time (final_levels.py).

Tie traces are few and stay in memory. Everything else runs over columns of whole traces that read what is around them
(solve.py, columns.py), in any order and anywhere, to the same bytes however a volume is divided: a trace depends on
the levels of its neighbours before the step, and on no other trace that is aligned with it.
"""
