"""Adapter: SEP's measurements of test blends, with zero points fitted on isolated galaxies."""

import logging

from deblend.boucaud2020.sep import (
    POSITIONS,
    fit_zero_points,
    measure_file,
    measure_isolated_galaxies,
    to_predictions,
)
from deblend.data.stamps import open_stamps
from deblend.photometry.sep import Detection
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    cold, hot = (Detection(**params.sep[mode]) for mode in ("cold", "hot"))
    stamps = open_stamps(inputs.stamps, segmaps=False)
    isolated = measure_isolated_galaxies(stamps, cold, hot, params.seed)
    zero_points = fit_zero_points(isolated, float(stamps.bands.zero_point[0]))
    logging.info("zero points:\n%s", zero_points.to_string(index=False))
    measured = measure_file(
        inputs.stamps,
        inputs.blends,
        cold,
        hot,
        params.companion_edge,
        chunk_size=params.chunk_size,
        n_workers=snakemake.threads,
    )
    write_csv(out.zero_points, zero_points)
    write_csv(out.predictions, to_predictions(measured, zero_points))
    write_csv(out.detections, measured[["blend", "detection", "mode", *POSITIONS]])
    write_csv(out.isolated, isolated)
