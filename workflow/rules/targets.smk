# Included last: what is asked for on the command line, when all rules are known.
from deblend.run.targets import unknown_target
from snakemake.cli import get_argument_parser


def refuse_unknown_targets():
    """Stop with the nearest names if a file of the results is asked for that no rule makes.

    Snakemake itself says only that there is no rule. It does not tell the rules what is asked for:
    that is on the command line. A workflow that uses this one as a module may have rules for more.
    """
    if Path(workflow.main_snakefile).resolve() != BASE / "Snakefile":
        return
    folder = f"{config['pathvars']['results']}/"
    if not any(word.startswith(folder) for word in sys.argv[1:]):
        return
    # Other words are values of options, such as that of --report.
    asked, _ = get_argument_parser().parse_known_args(sys.argv[1:])
    for target in (os.path.normpath(word) for word in asked.targets if word.startswith(folder)):
        if os.path.lexists(target) or any(r.is_producer(target) for r in workflow.rules):
            continue
        outputs = [str(path) for r in workflow.rules for path in r.output]
        known = {k: v for r in workflow.rules for k, v in r.wildcard_constraints.items()}
        raise WorkflowError(str(unknown_target(target, outputs, known)))


refuse_unknown_targets()
