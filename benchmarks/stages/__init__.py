"""Stages whose memory `growth.py` measures: what each reads, and the work that its rule does.

Images and networks are small. Limits of what stays in memory are lowered, so that they are reached
at these sizes as they are in a run at larger ones. Libraries are imported where they are used: only
the stage that is measured is to import them.
"""

from benchmarks.stages import benchmark, boucaud, farrens, hemmati, reiman

STAGES = {
    **boucaud.STAGES,
    **farrens.STAGES,
    **reiman.STAGES,
    **hemmati.STAGES,
    **benchmark.STAGES,
}
