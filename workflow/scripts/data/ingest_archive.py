"""Adapter: parent stamps from a downloaded archive."""

import tempfile
from pathlib import Path

from deblend.data.archives import extract_members
from deblend.data.facts import check_count
from deblend.data.ingest import FilesConfig, ingest_files
from deblend.data.stamps import write_stamps
from deblend.run import logs

with logs.script(snakemake), tempfile.TemporaryDirectory() as folder:
    entry = snakemake.params.entry
    archive = Path(snakemake.input.archive)
    members = extract_members(archive, entry["members"], folder, entry["max_bytes"])
    config = {key: entry[key] for key in ("columns", "radius_unit")} | snakemake.params.options
    config |= {key: str(path) for key, path in members.items()}
    psf = snakemake.input.get("psf") or None
    stamps = ingest_files(FilesConfig(**config, psf=psf), seed=0)
    table = f"{entry['members']['catalog']} of {archive}"
    check_count(table, len(stamps), entry["n_rows"], "rows", "n_rows")
    stamps.galaxies["origin"] = snakemake.params.archive
    write_stamps(snakemake.output.stamps, stamps)
