# Time, memory and threads that jobs ask for. Most come from measured rates (config/rates.csv); numbers in the rules
# stand for steps like which none was measured. Each attempt asks for twice as much as the one before.
from deblend.run.limits import limit_mb, limit_minutes, more, read_rates
from deblend.training.gpu import REQUIRE

# Jobs that ask for a GPU stop without one (deblend.training.gpu). It is no parameter of the rules, since
# it changes no result.
if config["require_gpu"]:
    os.environ[REQUIRE] = "1"


@functools.cache
def measured_rates():
    """Measured steps, read when a job needs them."""
    return read_rates(BASE / "config" / "rates.csv")


@functools.cache
def first_limit(kind, step, *options):
    """What a step asks for at its first attempt."""
    limit = {"minutes": limit_minutes, "mb": limit_mb}[kind]
    return limit(step, config, measured_rates(), *options)


def minutes(step, stated, gpu=False):
    """Function for a rule's runtime; `step` is the path of its benchmark, with wildcards."""
    return lambda wildcards, threads, attempt: more(
        first_limit("minutes", step.format(**dict(wildcards.items())), stated, threads, gpu),
        attempt,
    )


def memory(step, stated, gpu=False):
    """Function for a rule's mem_mb; see `minutes`."""
    return lambda wildcards, attempt: more(
        first_limit("mb", step.format(**dict(wildcards.items())), stated, gpu), attempt
    )


def growing(value):
    """Function for a rule's runtime or mem_mb: a value for the first attempt."""
    return lambda wildcards, attempt: more(value, attempt)


def workers(n):
    """Threads of a rule whose processes share the work: n, or fewer if the configuration says so."""
    return min(n, config["threads"]["workers"])
