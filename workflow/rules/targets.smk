# Included last: what is asked for on the command line, when all rules are known.
from deblend.run.targets import unknown_rule, unknown_target
from snakemake.cli import get_argument_parser


def asked_for():
    """Rules and files that the command line of Snakemake asks for.

    Snakemake does not tell the rules: programs that read the workflow by its API have other words.
    """
    if "snakemake" not in Path(sys.argv[0]).parts[-2:]:
        return []
    # The parser takes half a second. Other words are values of options, such as that of --report.
    if all(word.startswith("-") or workflow.is_rule(word) for word in sys.argv[1:]):
        return []
    return get_argument_parser().parse_known_args(sys.argv[1:])[0].targets


def refuse_unknown_targets():
    """Stop with the nearest names if a rule or a file is asked for that does not exist.

    Snakemake itself says only that there is no rule. A workflow that uses this one as a module may have
    rules for more.
    """
    is_main = Path(workflow.main_snakefile).resolve() == BASE / "Snakefile"
    if not (is_main and workflow.is_main_process):
        return
    for word in asked_for():
        target = os.path.normpath(word)
        if workflow.is_rule(word) or os.path.lexists(target):
            continue
        if any(r.is_producer(target) for r in workflow.rules):
            continue
        if "/" not in word:
            raise WorkflowError(str(unknown_rule(word, [r.name for r in workflow.rules])))
        outputs = [str(path) for r in workflow.rules for path in r.output]
        known = {k: v for r in workflow.rules for k, v in r.wildcard_constraints.items()}
        figures = f"{config['pathvars']['results']}/figures"
        raise WorkflowError(str(unknown_target(target, outputs, known, figures)))


refuse_unknown_targets()
