# All methods on the same blends: <results>/benchmark. From top to bottom: sets of blends, trainings and
# calibrations, the methods by their environments, scores, figure and page.
from deblend.benchmark.config import SET_NAMES, Benchmark
from deblend.benchmark.given import given_networks
from deblend.run.environment import installed_version

BENCHMARK = config["benchmark"] or Benchmark().model_dump(mode="json")
BENCHMARK_METHODS = {name: m for name, m in BENCHMARK["methods"].items() if m is not None}
BENCHMARK_SETS = [*BENCHMARK["sets"], *(["real"] if BENCHMARK["real"] else [])]
BENCHMARK_FOLDER = "<results>/benchmark"
# Scenes and truth of all sets.
BENCHMARK_SCENES = {
    "scenes": expand(f"{BENCHMARK_FOLDER}/sets/{{s}}.h5", s=BENCHMARK_SETS),
    "truths": expand(f"{BENCHMARK_FOLDER}/sets/{{s}}_truth.h5", s=BENCHMARK_SETS),
}
BENCHMARK_OUTPUTS = {
    "galaxies": f"{BENCHMARK_FOLDER}/measured/{{method}}.csv",
    "scenes": f"{BENCHMARK_FOLDER}/measured/{{method}}_scenes.csv",
    "notes": f"{BENCHMARK_FOLDER}/measured/{{method}}.json",
}
BENCHMARK_ENVIRONMENTS = {
    "boucaud2020": "keras",
    "blendhunter": "keras",
    "super_resolution": "torch",
    "separator": "torch",
    "blend2posterior": "torch",
    "recalibrated": "torch",
    "scarlet2": "scarlet2",
}
# Sets of the calibration, and their shares of its galaxies: as many scenes of one as of three galaxies,
# and eight times as many of two.
CALIBRATION_SHARES = {"one": 3 / 64, "simulated": 48 / 64, "three": 9 / 64}
POSTERIORS = [n for n, entry in BENCHMARK_METHODS.items() if entry["kind"] == "blend2posterior"]
# Those whose calibration is corrected with blends of real galaxies, and the networks that they take.
RECALIBRATED = {
    name: entry["network"]
    for name, entry in BENCHMARK_METHODS.items()
    if entry["kind"] == "recalibrated"
}
# The head of BlendHunter at the noise that is nearest to that of realistic galaxies.
BENCHMARK_NOISE = min(
    FARRENS["noise_sigma"], key=lambda sigma: abs(sigma - FARRENS["realistic_noise_sigma"])
)
BENCHMARK_BLENDING = {
    "delta_mag_max": BOUCAUD["blending"]["delta_mag_max"],
    "shift_rule": BOUCAUD["blending"]["shift_rule"],
    "companion_edge": BENCHMARK["companion_edge"] or EDGE,
}
# Whether the stamps of the data set get their noise once more when they are cleaned.
BENCHMARK_EXTRA_NOISE = (
    config["datasets"].get(BENCHMARK["dataset"], {}).get("cleaning", {}).get("extra_noise")
)
if BENCHMARK_EXTRA_NOISE is None:
    BENCHMARK_EXTRA_NOISE = BOUCAUD["cleaning"]["extra_noise"]


def benchmark_method(wildcards):
    """Entry of a method, with the settings that it shares with others."""
    entry = BENCHMARK_METHODS[wildcards.method]
    if entry["kind"] == "sep_cold_hot":
        data = config["datasets"][BENCHMARK["dataset"]]
        # Of the galaxies that zero points are fitted on.
        scales = {key: data[key] for key in ("pixel_scale_arcsec", "psf_fwhm_arcsec")}
        return entry | SEP_MODES | scales
    if entry["kind"] == "boucaud2020":
        return entry | {"companion_edge": BENCHMARK_BLENDING["companion_edge"]}
    return entry


def benchmark_galaxies(wildcards):
    """Number of galaxies of a set."""
    if wildcards.purpose == "calibration":
        return int(CALIBRATION_SHARES[wildcards.blend_set] * BENCHMARK["n_calibration"])
    if wildcards.blend_set in ("simulated", "isolated", "hsc"):
        return BENCHMARK["n_galaxies"]
    return BENCHMARK["n_outside"]


def methods_in(environment):
    """Regular expression of the methods that run in an environment."""
    return any_of(
        name
        for name, entry in BENCHMARK_METHODS.items()
        if BENCHMARK_ENVIRONMENTS.get(entry["kind"], entry.get("environment", "analysis"))
        == environment
    )


def network_of(method):
    """Name of the network that a method takes; its own name if it is trained for the benchmark."""
    entry = BENCHMARK_METHODS[method]
    if entry["kind"] == "blendhunter":
        return entry["network"] or f"blendhunter/sigma{BENCHMARK_NOISE}_0"
    return RECALIBRATED.get(method, entry.get("network", method))


# Networks that are not trained, and their folders.
try:
    GIVEN = given_networks(
        BENCHMARK["weights"],
        [network_of(method) for method in BENCHMARK_METHODS],
        companion_edge=BENCHMARK_BLENDING["companion_edge"],
        stamp_size=config["datasets"].get(BENCHMARK["dataset"], {}).get("stamp_size"),
    )
except DeblendError as error:
    raise WorkflowError(str(error)) from None


def network_file(network, file):
    """A file of a network that is trained for the benchmark, or given."""
    folder = GIVEN.get(network, f"{BENCHMARK_FOLDER}/networks/{network}")
    return f"{folder}/{file}"


def benchmark_file(name):
    """Function of wildcards: a file of the network of a method; none without one."""

    def find(wildcards):
        entry = BENCHMARK_METHODS[wildcards.method]
        kind = entry["kind"]
        if kind in ("separator", "blend2posterior", "recalibrated"):
            if name == "calibration.h5":
                return f"{BENCHMARK_FOLDER}/networks/{wildcards.method}/{name}"
            return network_file(network_of(wildcards.method), name)
        if kind not in ("boucaud2020", "blendhunter", "super_resolution"):
            return []
        paper = {"blendhunter": "farrens2022", "super_resolution": "hemmati2022"}.get(kind, kind)
        network = network_of(wildcards.method)
        file = SCENE_WEIGHTS[paper] if name == "network.h5" else name
        return f"{GIVEN.get(network, f'<results>/networks/{network}')}/{file}"

    return find


def benchmark_vgg(wildcards):
    """Weights of VGG-16 for BlendHunter."""
    kind = BENCHMARK_METHODS[wildcards.method]["kind"]
    return "<results>/farrens2022/vgg16.h5" if kind == "blendhunter" else []


def benchmark_function(wildcards):
    """The user's own file of a method."""
    return BENCHMARK_METHODS[wildcards.method].get("function", "").rpartition(":")[0] or []


def sep_zero_points(wildcards):
    """Zero points of SEP's fluxes, which are fitted on isolated galaxies of the data set."""
    if BENCHMARK_METHODS[wildcards.method]["kind"] != "sep_cold_hot":
        return []
    return f"<results>/predictions/sep/{BENCHMARK['dataset']}/zero_points.csv"


def measured_files(name):
    """A file of each method."""
    return expand(BENCHMARK_OUTPUTS[name], method=BENCHMARK_METHODS)


wildcard_constraints:
    method=any_of(BENCHMARK_METHODS),


rule benchmark:
    """All methods on the same blends: tables and a figure."""
    input:
        expand(
            f"{BENCHMARK_FOLDER}/{{file}}",
            file=("table.csv", "table.tex", "bins.csv", "paired.csv", "figure.pdf", "which.md"),
        ),
        f"{BENCHMARK_FOLDER}/bars.csv" if POSTERIORS else [],
    message:
        "Compare all methods on the same blends"


rule benchmark_simulate:
    input:
        priors=project_file("config/priors.yaml"),
        noise=project_file("config/noise.yaml"),
    output:
        scenes=f"{BENCHMARK_FOLDER}/{{purpose}}/{{blend_set}}.h5",
        truth=f"{BENCHMARK_FOLDER}/{{purpose}}/{{blend_set}}_truth.h5",
    log:
        "<results>/logs/benchmark/simulate_{purpose}_{blend_set}.log",
    benchmark:
        "<results>/benchmarks/benchmark/simulate_{purpose}_{blend_set}.tsv"
    wildcard_constraints:
        purpose="sets|calibration",
        blend_set=any_of(SET_NAMES),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        code=code("benchmark/simulate.py"),
        seed=SEED,
        n_galaxies=benchmark_galaxies,
        calibration=lambda wildcards: wildcards.purpose == "calibration",
        simulator={
            key: config["datasets"].get(BENCHMARK["dataset"], {}).get(key)
            for key in (
                *(*DATASET_OPTIONS, *PSF_OPTIONS, "noise", "exposure_time_s", "mag_min"),
                *("mag_max", "n_neighbours_mean", "neighbour_mag_min", "neighbour_mag_max"),
            )
        },
        blending=BENCHMARK_BLENDING,
        modes=SEP_MODES,
        extra_noise=BENCHMARK_EXTRA_NOISE,
        low=HEMMATI["low"] | {"band": DETECTION_BAND},
    message:
        "Simulate blends of the benchmark: {wildcards.purpose}, {wildcards.blend_set}"
    script:
        "../scripts/benchmark/simulate.py"


rule benchmark_real:
    input:
        stamps=f"<results>/datasets/{BENCHMARK['real']}/stamps.h5",
    output:
        scenes=f"{BENCHMARK_FOLDER}/{{purpose}}/real.h5",
        truth=f"{BENCHMARK_FOLDER}/{{purpose}}/real_truth.h5",
    log:
        "<results>/logs/benchmark/real_{purpose}.log",
    benchmark:
        "<results>/benchmarks/benchmark/real_{purpose}.tsv"
    wildcard_constraints:
        purpose="sets|calibration",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(30),
    params:
        code=code("benchmark/real.py"),
        seed=SEED,
        n_blends=BENCHMARK["n_real_blends"],
        split=lambda wildcards: {"sets": "test", "calibration": "validation"}[wildcards.purpose],
        blending=BENCHMARK_BLENDING,
    message:
        "Blend galaxies of another data set for the benchmark: {wildcards.purpose}"
    script:
        "../scripts/benchmark/real.py"


rule benchmark_train_separator:
    input:
        stamps=f"<results>/datasets/{BENCHMARK['dataset']}/stamps.h5",
    output:
        weights=f"{BENCHMARK_FOLDER}/networks/{{method}}/network.h5",
        description=f"{BENCHMARK_FOLDER}/networks/{{method}}/network.json",
        history=f"{BENCHMARK_FOLDER}/networks/{{method}}/history.csv",
        timing="<results>/benchmarks/benchmark/{method}.json",
    log:
        "<results>/logs/benchmark/train_{method}.log",
    benchmark:
        "<results>/benchmarks/benchmark/train_{method}.tsv"
    wildcard_constraints:
        method=any_of(n for n, m in BENCHMARK_METHODS.items() if m["kind"] == "separator"),
    retries: 2
    conda:
        "../../envs/torch.yaml"
    threads: config["threads"]["training"]
    resources:
        mem_mb=growing(8000),
        runtime=growing(720),
        gpu=1,
    params:
        code=code("benchmark/train_separator.py"),
        seed=SEED,
        scale=SCALE,
        dataset=BENCHMARK["dataset"],
        threads=config["threads"]["training"],
        entry=benchmark_method,
        blending=BENCHMARK_BLENDING,
        checkpoint=checkpoint(".pt"),
    message:
        "Train {wildcards.method} on sums of stamps"
    script:
        "../scripts/benchmark/train_separator.py"


rule benchmark_train_posterior:
    input:
        stamps=f"<results>/datasets/{BENCHMARK['dataset']}/stamps.h5",
    output:
        weights=f"{BENCHMARK_FOLDER}/networks/{{method}}/network.h5",
        description=f"{BENCHMARK_FOLDER}/networks/{{method}}/network.json",
        history=f"{BENCHMARK_FOLDER}/networks/{{method}}/history.csv",
        timing="<results>/benchmarks/benchmark/{method}.json",
    log:
        "<results>/logs/benchmark/train_{method}.log",
    benchmark:
        "<results>/benchmarks/benchmark/train_{method}.tsv"
    wildcard_constraints:
        method=any_of(POSTERIORS),
    retries: 2
    conda:
        "../../envs/torch.yaml"
    threads: config["threads"]["training"]
    resources:
        mem_mb=growing(8000),
        runtime=growing(720),
        gpu=1,
    params:
        code=code("benchmark/train_posterior.py"),
        seed=SEED,
        scale=SCALE,
        dataset=BENCHMARK["dataset"],
        threads=config["threads"]["training"],
        entry=benchmark_method,
        blending=BENCHMARK_BLENDING,
        checkpoint=checkpoint(".pt"),
    message:
        "Train {wildcards.method} on scenes of one, two and three galaxies"
    script:
        "../scripts/benchmark/train_posterior.py"


rule benchmark_calibrate_posterior:
    input:
        scenes=expand(f"{BENCHMARK_FOLDER}/calibration/{{s}}.h5", s=CALIBRATION_SHARES),
        truths=expand(f"{BENCHMARK_FOLDER}/calibration/{{s}}_truth.h5", s=CALIBRATION_SHARES),
        description=lambda wildcards: network_file(wildcards.method, "network.json"),
        weights=lambda wildcards: network_file(wildcards.method, "network.h5"),
    output:
        calibration=f"{BENCHMARK_FOLDER}/networks/{{method}}/calibration.h5",
        checks=f"{BENCHMARK_FOLDER}/networks/{{method}}/calibration.json",
    log:
        "<results>/logs/benchmark/calibrate_{method}.log",
    benchmark:
        "<results>/benchmarks/benchmark/calibrate_{method}.tsv"
    wildcard_constraints:
        method=any_of(POSTERIORS),
    conda:
        "../../envs/torch.yaml"
    threads: config["threads"]["training"]
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        code=code("benchmark/calibrate_posterior.py"),
        seed=SEED,
        threads=config["threads"]["training"],
    message:
        "Calibrate {wildcards.method} on galaxies of its own"
    script:
        "../scripts/benchmark/calibrate_posterior.py"


rule benchmark_recalibrate_posterior:
    input:
        scenes=f"{BENCHMARK_FOLDER}/calibration/real.h5",
        truth=f"{BENCHMARK_FOLDER}/calibration/real_truth.h5",
        calibration=lambda wildcards: (
            f"{BENCHMARK_FOLDER}/networks/{RECALIBRATED[wildcards.method]}/calibration.h5"
        ),
        description=benchmark_file("network.json"),
        weights=benchmark_file("network.h5"),
    output:
        calibration=f"{BENCHMARK_FOLDER}/networks/{{method}}/calibration.h5",
        checks=f"{BENCHMARK_FOLDER}/networks/{{method}}/calibration.json",
    log:
        "<results>/logs/benchmark/calibrate_{method}.log",
    benchmark:
        "<results>/benchmarks/benchmark/calibrate_{method}.tsv"
    wildcard_constraints:
        method=any_of(RECALIBRATED),
    conda:
        "../../envs/torch.yaml"
    threads: config["threads"]["training"]
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        code=code("benchmark/recalibrate_posterior.py"),
        seed=SEED,
        threads=config["threads"]["training"],
    message:
        "Correct the intervals of {wildcards.method} with blends of real galaxies"
    script:
        "../scripts/benchmark/recalibrate_posterior.py"


rule benchmark_measure:
    input:
        **BENCHMARK_SCENES,
        zero_points=sep_zero_points,
        function=benchmark_function,
    output:
        **BENCHMARK_OUTPUTS,
    log:
        "<results>/logs/benchmark/{method}.log",
    benchmark:
        "<results>/benchmarks/benchmark/measure_{method}.tsv"
    wildcard_constraints:
        method=methods_in("analysis"),
    conda:
        "../../envs/analysis.yaml"
    # Only the fit has several processes; its results do not depend on their number.
    threads: lambda wildcards: workers(8) if BENCHMARK_METHODS[wildcards.method]["kind"] == "forced_fit" else 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        code=code("benchmark/measure.py"),
        seed=SEED,
        names=BENCHMARK_SETS,
        entry=benchmark_method,
    message:
        "Measure all sets with {wildcards.method}"
    script:
        "../scripts/benchmark/measure.py"


rule benchmark_measure_keras:
    input:
        **BENCHMARK_SCENES,
        weights=benchmark_file("network.h5"),
        description=benchmark_file("network.json"),
        vgg=benchmark_vgg,
        function=benchmark_function,
    output:
        **BENCHMARK_OUTPUTS,
    log:
        "<results>/logs/benchmark/{method}.log",
    benchmark:
        "<results>/benchmarks/benchmark/measure_{method}.tsv"
    wildcard_constraints:
        method=methods_in("keras"),
    conda:
        "../../envs/keras.yaml"
    threads: config["threads"]["training"]
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        code=code("benchmark/measure_keras.py"),
        seed=SEED,
        backend=config["backend"],
        threads=config["threads"]["training"],
        names=BENCHMARK_SETS,
        entry=benchmark_method,
    message:
        "Measure all sets with {wildcards.method}"
    script:
        "../scripts/benchmark/measure_keras.py"


rule benchmark_measure_torch:
    input:
        **BENCHMARK_SCENES,
        weights=benchmark_file("network.h5"),
        description=benchmark_file("network.json"),
        calibration=lambda wildcards: (
            benchmark_file("calibration.h5")(wildcards)
            if wildcards.method in [*POSTERIORS, *RECALIBRATED]
            else []
        ),
        function=benchmark_function,
    output:
        **BENCHMARK_OUTPUTS,
    log:
        "<results>/logs/benchmark/{method}.log",
    benchmark:
        "<results>/benchmarks/benchmark/measure_{method}.tsv"
    wildcard_constraints:
        method=methods_in("torch"),
    conda:
        "../../envs/torch.yaml"
    threads: config["threads"]["training"]
    resources:
        mem_mb=growing(8000),
        runtime=growing(120),
    params:
        code=code("benchmark/measure_torch.py"),
        seed=SEED,
        threads=config["threads"]["training"],
        names=BENCHMARK_SETS,
        entry=benchmark_method,
    message:
        "Measure all sets with {wildcards.method}"
    script:
        "../scripts/benchmark/measure_torch.py"


rule benchmark_measure_scarlet2:
    input:
        **BENCHMARK_SCENES,
        function=benchmark_function,
    output:
        **BENCHMARK_OUTPUTS,
    log:
        "<results>/logs/benchmark/{method}.log",
    benchmark:
        "<results>/benchmarks/benchmark/measure_{method}.tsv"
    wildcard_constraints:
        method=methods_in("scarlet2"),
    conda:
        "../../envs/scarlet2.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        code=code("benchmark/measure_scarlet2.py"),
        # Where it is absent the method is left out, and measured once it is there.
        scarlet2=installed_version("scarlet2"),
        seed=SEED,
        names=BENCHMARK_SETS,
        entry=benchmark_method,
    message:
        "Measure all sets with {wildcards.method}"
    script:
        "../scripts/benchmark/measure_scarlet2.py"


rule benchmark_score:
    input:
        truths=BENCHMARK_SCENES["truths"],
        galaxies=measured_files("galaxies"),
        scenes=measured_files("scenes"),
        notes=measured_files("notes"),
    output:
        table=f"{BENCHMARK_FOLDER}/table.csv",
        page=report(
            f"{BENCHMARK_FOLDER}/benchmark_table.html",
            caption="../report/benchmark/table.rst",
            category="All methods",
            labels={"result": "Table: all methods on the same blends"},
        ),
        rows=f"{BENCHMARK_FOLDER}/benchmark_rows.html",
        tex=f"{BENCHMARK_FOLDER}/table.tex",
        bins=f"{BENCHMARK_FOLDER}/bins.csv",
        paired=f"{BENCHMARK_FOLDER}/paired.csv",
        paired_bins=f"{BENCHMARK_FOLDER}/paired_bins.csv",
    log:
        "<results>/logs/benchmark/score.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        code=code("benchmark/score.py"),
        seed=SEED,
        names=BENCHMARK_SETS,
        methods=list(BENCHMARK_METHODS),
        bins=BENCHMARK["bins"],
        n_resamples=BENCHMARK["bootstrap_resamples"],
    message:
        "Score all methods"
    script:
        "../scripts/benchmark/score.py"


rule benchmark_bars:
    input:
        table=f"{BENCHMARK_FOLDER}/table.csv",
        paired=f"{BENCHMARK_FOLDER}/paired.csv",
        measured=expand(f"{BENCHMARK_FOLDER}/measured/{{method}}.csv", method=POSTERIORS),
        truths=BENCHMARK_SCENES["truths"],
    output:
        bars=f"{BENCHMARK_FOLDER}/bars.csv",
    log:
        "<results>/logs/benchmark/bars.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        code=code("benchmark/bars.py"),
        methods=POSTERIORS,
        names=BENCHMARK_SETS,
        rivals=[
            name
            for name, entry in BENCHMARK_METHODS.items()
            if entry["kind"] in ("boucaud2020", "separator", "super_resolution")
        ],
    message:
        "Compare methods that give densities with their bars"
    script:
        "../scripts/benchmark/bars.py"


rule benchmark_figure:
    input:
        table=f"{BENCHMARK_FOLDER}/table.csv",
        bins=f"{BENCHMARK_FOLDER}/bins.csv",
        paired=f"{BENCHMARK_FOLDER}/paired.csv",
        paired_bins=f"{BENCHMARK_FOLDER}/paired_bins.csv",
        style=STYLE,
    output:
        pdf=f"{BENCHMARK_FOLDER}/figure.pdf",
        png=report(
            f"{BENCHMARK_FOLDER}/figure.png",
            caption="../report/benchmark/figure.rst",
            category="All methods",
            labels={"result": "Figure: all methods on the same blends"},
        ),
        page=f"{BENCHMARK_FOLDER}/which.md",
    log:
        "<results>/logs/benchmark/figure.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        code=code("benchmark/figure.py"),
        scale=SCALE,
        given={name: m.get("positions") == "true" for name, m in BENCHMARK_METHODS.items()},
    message:
        "Draw the benchmark, and write which method is best for which blends"
    script:
        "../scripts/benchmark/figure.py"
