# Used by all rule files: the configuration, paths of the project's files, digests of code, and outputs
# of figures and tables. The rule file of each paper adds its entries to TARGETS and TRAINED.
import functools
import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import update_config

# The folder of the project, also if another workflow uses this one as a module.
BASE = Path(workflow.current_basedir).resolve().parents[1]
# Snakemake passes this path on to scripts, so that the library need not be installed.
sys.path.insert(0, str(BASE / "src"))
from deblend.errors import DeblendError
from deblend.files import read_yaml
from deblend.report.labels import figure_label
from deblend.run.code import Known, code_digest
from deblend.run.config import refuse_duplicate_keys, validated, validated_archives
from deblend.run.environment import prepare_environment


def project_file(name):
    """Path of a file of the project, relative to the working directory.

    With relative paths, a finished project that is moved, copied or linked has the same inputs.
    """
    return os.path.relpath(BASE / name, Path.cwd().resolve())


def read_config_file(name):
    """Content of a YAML file in the project's folder `config`."""
    return read_yaml(BASE / "config" / name)


try:
    prepare_environment(BASE, workflow.is_main_process)
    for _path in workflow.configfiles:
        refuse_duplicate_keys(_path)
    ARCHIVES = validated_archives(read_config_file("datasets.yaml"))
    # In a module, `config` holds only what the other workflow passes; it is treated as an overlay of
    # config.yaml.
    _merged = read_config_file("config.yaml")
    update_config(_merged, config)
    config = validated(_merged, ARCHIVES)
except DeblendError as error:
    raise WorkflowError(str(error)) from None

WEIGHTS = read_config_file("weights.yaml")
STYLE = project_file("src/deblend/plots/paper.mplstyle")
PUBLISHED = project_file("config/published.yaml")
BARS = project_file("config/bars.yaml")
SEED, SCALE = config["seed"], config["scale"]
# For each paper: its figures, tables and numbers; its networks, as pairs (name in the paper, folder); tables
# that are pages of the report, by the name of the page: title and path.
TARGETS, TRAINED, TABLES = {}, {}, {}
# What the code of scripts has in common is followed once.
KNOWN = Known()


@functools.cache
def digest(script):
    """Digest of a script and the library code that it uses."""
    return code_digest(BASE / "workflow" / "scripts" / script, BASE / "src", KNOWN)


def code(script):
    """Function of wildcards for a rule's params: digest of a script and of the code that it uses.

    A function, since every job parses the rules and needs the digests of its own rule only.
    """
    return lambda wildcards: digest(script)


def n_chunks(total, size):
    """Number of chunks of a given size that are needed for a total."""
    return -(-total // size)


def any_of(names):
    """Regular expression that matches any of the names, or nothing if there are none."""
    return "|".join(sorted(names)) or "(?!)"


def checkpoint(suffix):
    """Function for a rule's params: path of the checkpoint of a training.

    The checkpoint is not an output, since Snakemake deletes the outputs of a job that fails.
    """

    def path(wildcards, output):
        folder = Path(output.weights).parent
        networks = next(parent for parent in folder.parents if parent.name == "networks")
        name = "-".join(folder.relative_to(networks).parts)  # no network's name has "-"
        return str(networks.with_name("checkpoints") / (name + suffix))

    return path


def shown(paper, path, n, what, caption=None):
    """A figure in the report; its caption is that of its name by default."""
    caption = f"../report/{paper}/{caption or Path(path).stem}.rst"
    labels = {"result": figure_label(n, what)}
    return report(path, caption=caption, category=CATEGORIES[paper], labels=labels)


def figure_outputs(paper, shows, tables=None):
    """Outputs pdfN, pngN and tableN of figures; `shows` has what each shows, by number or name."""
    folder = "<results>/figures" if paper == "boucaud2020" else f"<results>/figures/{paper}"
    outputs = {}
    for n, what in shows.items():
        name = f"fig{n}" if str(n)[0].isdigit() else n
        outputs[f"pdf{n}"] = f"{folder}/{name}.pdf"
        outputs[f"png{n}"] = shown(paper, f"{folder}/{name}.png", n, what)
        if tables is None or n in tables:
            outputs[f"table{n}"] = f"{folder}/{name}.csv"
    return outputs


def plain_figure_outputs(folder, numbers):
    """Outputs of figures in another folder, without captions: for other data than the paper's."""
    return {
        f"{kind}{n}": f"{folder}/fig{n}.{ext}"
        for n in numbers
        for kind, ext in (("pdf", "pdf"), ("png", "png"), ("table", "csv"))
    }


def table_outputs(paper, shows):
    """Outputs of a paper's tables: csvN and texN, with N a number or a name; they are in the report."""
    folder = "<results>/tables" if paper == "boucaud2020" else f"<results>/tables/{paper}"
    outputs = {}
    for n, what in shows.items():
        name = f"table{n}" if isinstance(n, int) else n
        title = f"Table {n}: {what}" if isinstance(n, int) else f"Table: {what}"
        TABLES.setdefault(paper, {})[name] = (title, f"{folder}/{name}.csv")
        outputs |= {f"csv{n}": f"{folder}/{name}.csv", f"tex{n}": f"{folder}/{name}.tex"}
    return outputs


CATEGORIES = {
    "boucaud2020": "Boucaud et al. 2020",
    "farrens2022": "Farrens et al. 2022",
    "reiman2019": "Reiman & Goehre 2019",
    "hemmati2022": "Hemmati et al. 2022",
}


wildcard_constraints:
    chunk=r"\d+",
