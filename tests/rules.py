"""What the rules declare, as Snakemake itself reads them, and what their adapters read."""

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
    """Rules and jobs of the workflow, read in a process of its own.

    Parameters
    ----------
    *overlays : path
        Configurations on top of `config/config.yaml`, as for ``--configfile``.
    project : path
        Folder of the Snakefile.

    Returns
    -------
    dict
        ``rules``: name to what each rule declares: ``file`` and ``script`` (relative to the
        project, None without a script), ``conda`` (file name), ``message``, ``benchmark``,
        ``threads`` (whether they are declared), names of ``resources``, and for ``input``,
        ``output``, ``params`` and ``log`` their names, an empty one for each that has none.
        ``wildcards``: their names. ``unpacked``: whether a function names some inputs.
        ``values``: of inputs and params that are no functions.

        ``jobs``: of the default target, rule to ``input`` and ``params`` of its jobs: each a list
        of the values of one job, by name. ``trained_for``: each output of those jobs to the
        networks (folders under ``networks``) that it is made with.
    """
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "declared.json"
        command = [sys.executable, Path(__file__), Path(project) / "Snakefile", output, *overlays]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=folder)
        if done.returncode:
            raise AssertionError((done.stdout + done.stderr)[-6000:])
        return json.loads(output.read_text())


KINDS = ("input", "output", "params", "wildcards")


def reads(script):
    """What an adapter reads of its rule.

    Parameters
    ----------
    script : path
        The adapter.

    Returns
    -------
    dict of str to set of tuple
        For ``input``, ``output``, ``params`` and ``wildcards``: regular expressions of names and
        whether there has to be such a name; for other attributes of `snakemake` nothing.
        ``inputs[name]`` in a loop over constants is known; ``outputs[f"table{n}"]`` may be any
        ``table.*``, and ``f(*outputs)`` any output.
    """
    tree = ast.parse(Path(script).read_text())
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    aliases, loops = {}, {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
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
            use.update((text, True) for text in _patterns(parent.slice, loops))
        elif not isinstance(parent, ast.Attribute) or parent.attr in ("items", "keys", "values"):
            use.add((".*", False))
        elif parent.attr == "get":
            use.update((text, False) for text in _patterns(parents[parent].args[0], loops))
        else:
            use.add((parent.attr, True))
    return found


def _kind(node):
    """``input`` for ``snakemake.input``; None for what is no attribute of `snakemake`."""
    of = getattr(node, "value", None)
    named = isinstance(node, ast.Attribute) and isinstance(of, ast.Name) and of.id == "snakemake"
    return node.attr if named else None


def _patterns(node, loops):
    """Regular expressions of what a subscript may be."""
    if isinstance(node, ast.Constant):
        return [re.escape(str(node.value))]
    if isinstance(node, ast.JoinedStr):
        parts = [re.escape(p.value) if isinstance(p, ast.Constant) else ".*" for p in node.values]
        return ["".join(parts)]
    if isinstance(node, ast.Name) and all(
        isinstance(item, ast.Constant)
        for items in loops.get(node.id, [None])
        for item in getattr(items, "elts", [None])
    ):
        return [re.escape(str(item.value)) for items in loops[node.id] for item in items.elts]
    return [".*"]


def names(items):
    """Names of a rule's inputs, outputs, params or logs."""
    found = [""] * len(items)
    for name, (start, end) in items._get_names():
        if end is None:
            found[start] = name
        else:
            # A list under one name; an empty one is there too.
            found[start:end] = [name] * (end - start)
            if start == end:
                found.append(name)
    return sorted(set(found))


def of_rule(rule, project):
    """What a rule declares."""
    unpacked = [item for item in rule.input if getattr(item, "flags", {}).get("unpack")]
    script, info = rule.script, rule.ruleinfo
    if script is not None:
        script = (Path(rule.snakefile).parent / str(script)).resolve().relative_to(project)
    inputs = names(rule.input)
    if unpacked:
        # What is unpacked has no name itself.
        inputs = [name for name in inputs if name]
    return {
        "file": str(Path(rule.snakefile).relative_to(project)),
        "script": None if script is None else str(script),
        "conda": None if rule.conda_env is None else Path(str(rule.conda_env)).name,
        "message": rule.message,
        "benchmark": None if rule.benchmark is None else str(rule.benchmark),
        "threads": info.threads is not None,
        "resources": sorted(info.resources[1]) if info.resources else [],
        "input": inputs,
        "output": names(rule.output),
        "params": names(rule.params),
        "log": names(rule.log),
        "wildcards": sorted(rule.wildcard_names),
        "unpacked": bool(unpacked),
        "values": [plain(item) for item in (*rule.input, *rule.params) if not callable(item)],
    }


def plain(value):
    """A value of an input or of params, for JSON."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    return value if isinstance(value, int | float | bool | None) else str(value)


def main(snakefile, output, *overlays):
    """Write what the rules declare."""
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
        rules = {rule.name: of_rule(rule, project) for rule in workflow.rules}
        workflow._prepare_dag(forceall=True, ignore_incomplete=True, lock_warn_only=True)
        workflow._build_dag()
        jobs = {}
        for job in workflow.dag.jobs:
            values = {
                kind: {name: plain(value) for name, value in items.items()}
                for kind, items in (("input", job.input), ("params", job.params))
            }
            jobs.setdefault(job.rule.name, []).append(values)
        trained = {}
        for job in workflow.dag.jobs:
            found = trained_for(job, workflow.dag)
            trained |= {str(path): found for path in job.output}
    Path(output).write_text(json.dumps({"rules": rules, "jobs": jobs, "trained_for": trained}))


def trained_for(job, dag):
    """Networks that a job and what it depends on train."""
    jobs, waiting = {job}, [job]
    while waiting:
        new = set(dag.dependencies[waiting.pop()]) - jobs
        jobs |= new
        waiting += new
    folders = (Path(j.output.weights).parent for j in jobs if j.rule.name.endswith("_train"))
    return sorted(str(folder).split("/networks/")[1] for folder in folders)


if __name__ == "__main__":
    main(*sys.argv[1:])
