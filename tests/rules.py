"""What rules declare, according to Snakemake, and what their adapters read."""

import ast
import functools
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


@functools.cache
def declared(*overlays, project=ROOT):
    """Rules and jobs of the workflow, which a separate process reads with Snakemake.

    Parameters
    ----------
    *overlays : path
        Configuration files in addition to `config/config.yaml`, as for ``--configfile``.
    project : path
        Folder of the Snakefile.

    Returns
    -------
    dict
        ``rules``: for the name of each rule, what it declares: ``file`` and ``script`` (relative to
        the project, None without a script), ``conda`` (file name), ``message``, ``benchmark``,
        ``made`` (regular expressions that the paths of its outputs match),
        ``threads`` (whether they are declared), ``local`` (whether it runs on the machine of
        Snakemake, never on a cluster's), the names of ``resources``, of those that are ``constant``
        (the same at each attempt), and the names in ``input``, ``output``, ``params``, ``log`` (""
        for entries without a name) and ``wildcards``. ``unpacked``: whether a function gives names
        of inputs. ``values``: values of inputs and params that are not functions.

        ``jobs``: for the name of each rule, a list of its jobs for the default target, each with
        the values of ``input`` and ``params`` by name. ``trained_for``: for each output of those
        jobs, the networks (folders under ``networks``) that are trained to make it.
    """
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "declared.json"
        command = [sys.executable, Path(__file__), Path(project) / "Snakefile", output, *overlays]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=folder)
        if done.returncode:
            raise AssertionError((done.stdout + done.stderr)[-6000:])
        return json.loads(output.read_text())


KINDS = ("input", "output", "params", "wildcards")
#: Stands for a name that an adapter computes.
UNRESOLVED = "a computed name"


def reads(script):
    """Inputs, outputs, params and wildcards that an adapter reads.

    Parameters
    ----------
    script : path
        The adapter.

    Returns
    -------
    dict of str to set of tuple
        For ``input``, ``output``, ``params`` and ``wildcards``: pairs of a regular expression of
        names and whether such a name is required. The sets of other attributes of `snakemake` are
        empty. ``inputs[name]`` in a loop over constants, or over tuples of them that have a name,
        is resolved; ``outputs[f"table{n}"]`` can be any ``table.*``, and ``f(*outputs)`` any
        output. `UNRESOLVED` stands for a name that cannot be resolved; no rule declares it.
    """
    tree = ast.parse(Path(script).read_text())
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    aliases, loops, constants = {}, {}, {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            if isinstance(node.targets[0], ast.Name):
                constants[node.targets[0].id] = node.value
            pairs = [(node.targets[0], node.value)]
            if isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(node.targets[0].elts, node.value.elts, strict=True))
            for target, value in pairs:
                if isinstance(target, ast.Name) and _kind(value):
                    aliases[target.id] = _kind(value)
                    # The alias itself reads nothing.
                    parents[value] = None
        elif isinstance(node, ast.For | ast.comprehension) and isinstance(node.target, ast.Name):
            loops.setdefault(node.target.id, []).append(node.iter)
    found = {}
    for node in ast.walk(tree):
        kind = _kind(node)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            kind = aliases.get(node.id)
        if not kind:
            continue
        use = found.setdefault(kind, set())
        parent = parents[node]
        if kind not in KINDS or parent is None:
            continue
        if isinstance(parent, ast.Subscript) and parent.value is node:
            use.update((text, True) for text in _patterns(parent.slice, loops, constants))
        elif not isinstance(parent, ast.Attribute) or parent.attr in ("items", "keys", "values"):
            use.add((".*", False))
        elif parent.attr == "get":
            use.update(
                (text, False) for text in _patterns(parents[parent].args[0], loops, constants)
            )
        else:
            use.add((parent.attr, True))
    return found


def _kind(node):
    """``input`` for ``snakemake.input``; None for anything but attributes of `snakemake`."""
    base = getattr(node, "value", None)
    named = isinstance(node, ast.Attribute) and isinstance(base, ast.Name)
    return node.attr if named and base.id == "snakemake" else None


def _patterns(node, loops, constants):
    """Regular expressions of the possible values of a subscript."""
    if isinstance(node, ast.Constant):
        return [re.escape(str(node.value))]
    if isinstance(node, ast.JoinedStr):
        parts = [re.escape(p.value) if isinstance(p, ast.Constant) else ".*" for p in node.values]
        return ["".join(parts)]
    if isinstance(node, ast.Name) and node.id in loops:
        values = [_constants(items, constants) for items in loops[node.id]]
        if None not in values:
            return [re.escape(value) for items in values for value in items]
    return [UNRESOLVED]


def _constants(node, constants):
    """Strings in a tuple or list, and in those that it contains; None if it has anything else."""
    if isinstance(node, ast.Name):
        return _constants(constants.get(node.id), constants)
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.Starred):
        return _constants(node.value, constants)
    if not isinstance(node, ast.Tuple | ast.List):
        return None
    parts = [_constants(item, constants) for item in node.elts]
    return None if None in parts else [value for part in parts for value in part]


def names(items):
    """Names of a rule's inputs, outputs, params or logs."""
    found = [""] * len(items)
    for name, (start, end) in items._get_names():
        if end is None:
            found[start] = name
        else:
            # A list with one name, which may be empty.
            found[start:end] = [name] * (end - start)
            if start == end:
                found.append(name)
    return sorted(set(found))


def declarations(rule, project):
    """What a rule declares."""
    unpacked = [item for item in rule.input if getattr(item, "flags", {}).get("unpack")]
    script, info = rule.script, rule.ruleinfo
    resources = info.resources[1] if info.resources else {}
    if script is not None:
        script = (Path(rule.snakefile).parent / str(script)).resolve().relative_to(project)
    inputs = names(rule.input)
    if unpacked:
        # An unpacked function itself has no name.
        inputs = [name for name in inputs if name]
    return {
        "file": str(Path(rule.snakefile).relative_to(project)),
        "script": None if script is None else str(script),
        "conda": None if rule.conda_env is None else Path(str(rule.conda_env)).name,
        "message": rule.message,
        "benchmark": None if rule.benchmark is None else str(rule.benchmark),
        "threads": info.threads is not None,
        # Without a cluster, `is_local` is true of all.
        "local": rule.name in rule.workflow._localrules,
        "resources": sorted(resources),
        "constant": sorted(name for name, value in resources.items() if not callable(value)),
        "input": inputs,
        "output": names(rule.output),
        "made": [path.regex().pattern for path in rule.output],
        "params": names(rule.params),
        "log": names(rule.log),
        "wildcards": sorted(rule.wildcard_names),
        "unpacked": bool(unpacked),
        "values": [plain(item) for item in (*rule.input, *rule.params) if not callable(item)],
    }


def plain(value):
    """Value of an input or of params, converted for JSON."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    return value if isinstance(value, int | float | bool | None) else str(value)


def main(snakefile, output, *overlays):
    """Write the declarations of all rules to a JSON file."""
    from snakemake.api import SnakemakeApi
    from snakemake.settings.types import (
        ConfigSettings,
        DAGSettings,
        OutputSettings,
        Quietness,
        ResourceSettings,
    )

    project = Path(snakefile).resolve().parent
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        workflow_api = api.workflow(
            ResourceSettings(cores=2),
            config_settings=ConfigSettings(configfiles=[Path(path) for path in overlays]),
            snakefile=Path(snakefile),
        )
        workflow_api.dag(DAGSettings(forceall=True))
        workflow = workflow_api._workflow
        rules = {rule.name: declarations(rule, project) for rule in workflow.rules}
        workflow._prepare_dag(forceall=True, ignore_incomplete=True, lock_warn_only=True)
        workflow._build_dag()
        jobs = {}
        for job in workflow.dag.jobs:
            values = {
                kind: {name: plain(value) for name, value in items.items()}
                for kind, items in (("input", job.input), ("params", job.params))
            }
            values["threads"] = job.threads
            jobs.setdefault(job.rule.name, []).append(values)
        trained = {}
        for job in workflow.dag.jobs:
            found = trained_for(job, workflow.dag)
            trained |= {str(path): found for path in job.output}
    Path(output).write_text(json.dumps({"rules": rules, "jobs": jobs, "trained_for": trained}))


def trained_for(job, dag):
    """Networks that are trained by a job and the jobs that it depends on."""
    jobs, waiting = {job}, [job]
    while waiting:
        new = set(dag.dependencies[waiting.pop()]) - jobs
        jobs |= new
        waiting += new
    folders = (Path(j.output.weights).parent for j in jobs if j.rule.name.endswith("_train"))
    return sorted(str(folder).split("/networks/")[1] for folder in folders)


if __name__ == "__main__":
    main(*sys.argv[1:])
