"""The workflow as Snakemake sees it, for tools that read rules and jobs: nothing is run."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from snakemake.api import SnakemakeApi
from snakemake.settings.types import (
    ConfigSettings,
    DAGSettings,
    OutputSettings,
    Quietness,
    ResourceSettings,
)

ROOT = Path(__file__).parents[1]


@contextmanager
def whole_workflow(overlays: Sequence[Path] = ()) -> Iterator[Any]:
    """The workflow with all jobs of the default target, as if no file were there.

    Parameters
    ----------
    overlays : sequence of path
        Configuration files over `config/config.yaml`.

    Yields
    ------
    snakemake.workflow.Workflow
        With its `rules`, jobs (`dag.jobs`) and configuration (`globals["config"]`).

    Raises
    ------
    snakemake.exceptions.WorkflowError
        The configuration is refused.
    """
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        workflow_api = api.workflow(
            ResourceSettings(cores=2),
            config_settings=ConfigSettings(configfiles=list(overlays)),
            snakefile=ROOT / "Snakefile",
        )
        workflow_api.dag(DAGSettings(forceall=True))
        # Snakemake has no public way to the jobs.
        workflow = workflow_api._workflow
        workflow._prepare_dag(forceall=True, ignore_incomplete=True, lock_warn_only=True)
        workflow._build_dag()
        yield workflow
