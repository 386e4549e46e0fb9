# The user's own images of blends, measured by all methods: <results>/scenes/NAME/catalogue.ecsv. From
# top to bottom: images, methods without networks, networks, the catalogue and pictures.
from deblend.data.listing import PICTURE_SUFFIXES
from deblend.hemmati2022.config import NETWORK_NAMES as HEMMATI_NAMES
from deblend.scenes.weights import JOBS as SCENE_NETWORK_JOBS
from deblend.scenes.weights import WEIGHTS as SCENE_WEIGHTS
from deblend.scenes.weights import find_networks

SCENES = config["scenes"]
#: Networks of Reiman & Goehre that separate pictures.
SEPARATORS = sorted({gan for gan, _ in DEBLENDERS.values()})
SCENE_FOLDER = "<results>/scenes/{scene_set}"
SCENE_FILES = {
    "scenes": f"{SCENE_FOLDER}/scenes.h5",
    "injected": f"{SCENE_FOLDER}/injected.h5",
}


def scene_set(wildcards):
    """Configuration of a set of scenes."""
    return SCENES[wildcards.scene_set]


def scene_images(wildcards):
    """Images, PSFs and positions of a set of scenes as inputs."""
    entry = scene_set(wildcards)
    given = [entry["images"], *(band["images"] for band in entry["bands"])]
    paths = [path for item in given if item for path in ([item] if isinstance(item, str) else item)]
    files = [
        folder_input(str(folder_of_pattern(path)[0]) if is_pattern(path) else path)
        for path in paths
    ]
    psfs = [band["psf"] for band in entry["bands"] if band["psf"]]
    return [*files, *psfs, *([entry["positions"]] if entry["positions"] else [])]


def scene_listing(wildcards):
    """Digests of all files that are given: a new or replaced one makes the scenes again."""
    entry = scene_set(wildcards)
    given = [entry["images"], *(band["images"] for band in entry["bands"])]
    listings = [stamps_listing(item) for item in given if item]
    pictures = [stamps_listing(item, PICTURE_SUFFIXES) for item in given if item]
    others = [entry["positions"], *(band["psf"] for band in entry["bands"])]
    return [*listings, *pictures, files_listing(path for path in others if path)]


def trained_kind(name):
    """Paper of a network that the workflow trains, by the name of its folder."""
    if name in config["networks"]:
        return "boucaud2020"
    if name.startswith("blendhunter/"):
        return "farrens2022"
    if name in HEMMATI_NAMES and name != "vanilla":
        return "hemmati2022"
    if name in SEPARATORS:
        return "reiman2019"
    raise WorkflowError(
        f"scenes > networks names {name!r}: give one of {', '.join(sorted(config['networks']))}, "
        f"blendhunter/sigmaNOISE_NUMBER, {', '.join(sorted(HEMMATI_NAMES))}, or "
        f"{', '.join(SEPARATORS)}"
    )


@functools.cache
def scene_networks(name):
    """Networks of a set of scenes.

    (name, paper, weights, description, weights of VGG-16, whether it is from the folder of weights).
    """
    found = []
    for network in SCENES[name]["networks"]:
        kind = trained_kind(network)
        folder = f"<results>/networks/{network}"
        vgg = "<results>/farrens2022/vgg16.h5" if kind == "farrens2022" else None
        files = (f"{folder}/{SCENE_WEIGHTS[kind]}", f"{folder}/network.json", vgg)
        found.append(("_".join(Path(network).parts), kind, *files, False))
    if SCENES[name]["weights"]:
        try:
            given = find_networks(SCENES[name]["weights"])
        except DeblendError as error:
            raise WorkflowError(str(error)) from None
        for network in given:
            vgg = str(network.vgg) if network.vgg and network.kind == "farrens2022" else None
            files = (str(network.weights), str(network.description), vgg)
            found.append((network.name, network.kind, *files, True))
    names = [network[0] for network in found]
    twice = {network for network in names if names.count(network) > 1}
    if twice:
        raise WorkflowError(
            f"scenes > {name}: {', '.join(sorted(twice))} is under networks and in the folder "
            "weights: leave one out"
        )
    return found


def networks_of(job):
    """Function of wildcards: the networks of a set of scenes that a job applies."""
    return lambda wildcards: [
        network
        for network in scene_networks(wildcards.scene_set)
        if network[1] in SCENE_NETWORK_JOBS[job]
    ]


def optional_networks(job):
    """Function of wildcards: names of the networks that are left out if they do not suit."""
    return lambda wildcards: [network[0] for network in networks_of(job)(wildcards) if network[5]]


def network_names(job):
    """Function of wildcards: names of the networks of a job."""
    return lambda wildcards: [network[0] for network in networks_of(job)(wildcards)]


def vgg_numbers(wildcards):
    """Which of the weights of VGG-16 each network on Keras needs; None for those without."""
    files = network_files("keras", 4)(wildcards)
    return [files.index(n[4]) if n[4] else None for n in networks_of("keras")(wildcards)]


def network_files(job, position):
    """Function of wildcards: one kind of file of each network, without repetitions."""
    return lambda wildcards: list(
        dict.fromkeys(n[position] for n in networks_of(job)(wildcards) if n[position])
    )


def scene_jobs(suffix):
    """Function of wildcards: a file of each job that measures a set of scenes."""

    def files(wildcards):
        jobs = [job for job in SCENE_NETWORK_JOBS if networks_of(job)(wildcards)]
        return [f"{SCENE_FOLDER}/{job}{suffix}" for job in ("classical", *jobs)]

    return files


def of_job(job, file):
    """Function of wildcards: a file that a job with networks makes, if there are such networks."""
    return lambda wildcards: [f"{SCENE_FOLDER}/{file}"] if networks_of(job)(wildcards) else []


wildcard_constraints:
    scene_set=any_of(SCENES),


rule scenes:
    """Catalogues of images of your own, `scenes` in the configuration."""
    input:
        expand(
            "<results>/scenes/{scene_set}/{file}",
            scene_set=SCENES,
            file=("catalogue.ecsv", "scenes.pdf"),
        ),
    message:
        "The user's own images by all methods"


rule scenes_read:
    input:
        images=scene_images,
    output:
        **SCENE_FILES,
    log:
        "<results>/logs/scenes/{scene_set}_read.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        code=code("scenes/read.py"),
        listing=scene_listing,
        seed=SEED,
        inject=lambda wildcards: scene_set(wildcards)["inject"],
        injection=lambda wildcards: scene_set(wildcards)["injection"],
        entry=lambda wildcards: {
            key: value
            for key, value in scene_set(wildcards).items()
            if key not in ("networks", "weights", "inject", "injection")
        },
    message:
        "Read the images of {wildcards.scene_set}"
    script:
        "../scripts/scenes/read.py"


rule scenes_classical:
    input:
        **SCENE_FILES,
    output:
        table=f"{SCENE_FOLDER}/classical.csv",
        injected=f"{SCENE_FOLDER}/classical_injected.csv",
        notes=f"{SCENE_FOLDER}/classical.json",
    log:
        "<results>/logs/scenes/{scene_set}_classical.log",
    benchmark:
        "<results>/benchmarks/scenes/{scene_set}_classical.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: config["threads"]["training"]
    resources:
        mem_mb=memory("scenes/{scene_set}_classical", 8000),
        runtime=minutes("scenes/{scene_set}_classical", 240),
    params:
        code=code("scenes/classical.py"),
        seed=SEED,
    message:
        "Measure {wildcards.scene_set} with SEP and a fit"
    script:
        "../scripts/scenes/classical.py"


rule scenes_keras:
    input:
        **SCENE_FILES,
        weights=network_files("keras", 2),
        descriptions=network_files("keras", 3),
        vgg=network_files("keras", 4),
    output:
        table=f"{SCENE_FOLDER}/keras.csv",
        injected=f"{SCENE_FOLDER}/keras_injected.csv",
        notes=f"{SCENE_FOLDER}/keras.json",
        masks=f"{SCENE_FOLDER}/masks.h5",
    log:
        "<results>/logs/scenes/{scene_set}_keras.log",
    benchmark:
        "<results>/benchmarks/scenes/{scene_set}_keras.tsv"
    conda:
        "../../envs/keras.yaml"
    threads: config["threads"]["training"]
    resources:
        mem_mb=memory("scenes/{scene_set}_keras", 8000),
        runtime=minutes("scenes/{scene_set}_keras", 120),
    params:
        code=code("scenes/keras.py"),
        seed=SEED,
        backend=config["backend"],
        threads=config["threads"]["training"],
        names=network_names("keras"),
        optional=optional_networks("keras"),
        vgg_numbers=vgg_numbers,
    message:
        "Measure {wildcards.scene_set} with networks on Keras"
    script:
        "../scripts/scenes/keras.py"


rule scenes_torch:
    input:
        **SCENE_FILES,
        weights=network_files("torch", 2),
        descriptions=network_files("torch", 3),
    output:
        table=f"{SCENE_FOLDER}/torch.csv",
        injected=f"{SCENE_FOLDER}/torch_injected.csv",
        notes=f"{SCENE_FOLDER}/torch.json",
        peaks=f"{SCENE_FOLDER}/peaks.ecsv",
    log:
        "<results>/logs/scenes/{scene_set}_torch.log",
    benchmark:
        "<results>/benchmarks/scenes/{scene_set}_torch.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: config["threads"]["training"]
    resources:
        mem_mb=memory("scenes/{scene_set}_torch", 8000),
        runtime=minutes("scenes/{scene_set}_torch", 120),
    params:
        code=code("scenes/torch.py"),
        seed=SEED,
        threads=config["threads"]["training"],
        names=network_names("torch"),
        optional=optional_networks("torch"),
    message:
        "Measure {wildcards.scene_set} with networks on PyTorch"
    script:
        "../scripts/scenes/torch.py"


rule scenes_separator:
    input:
        **SCENE_FILES,
        weights=network_files("separator", 2),
        descriptions=network_files("separator", 3),
        style=STYLE,
    output:
        table=f"{SCENE_FOLDER}/separator.csv",
        injected=f"{SCENE_FOLDER}/separator_injected.csv",
        notes=f"{SCENE_FOLDER}/separator.json",
        images=f"{SCENE_FOLDER}/separated.h5",
        pdf=f"{SCENE_FOLDER}/separated.pdf",
        png=f"{SCENE_FOLDER}/separated.png",
    log:
        "<results>/logs/scenes/{scene_set}_separator.log",
    benchmark:
        "<results>/benchmarks/scenes/{scene_set}_separator.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: config["threads"]["training"]
    resources:
        mem_mb=memory("scenes/{scene_set}_separator", 8000),
        runtime=minutes("scenes/{scene_set}_separator", 120),
    params:
        code=code("scenes/separator.py"),
        seed=SEED,
        threads=config["threads"]["training"],
        names=network_names("separator"),
        optional=optional_networks("separator"),
        scale=SCALE,
    message:
        "Measure {wildcards.scene_set} with the branched separator"
    script:
        "../scripts/scenes/separator.py"


rule scenes_catalogue:
    input:
        **SCENE_FILES,
        tables=scene_jobs(".csv"),
        tables_injected=scene_jobs("_injected.csv"),
        notes=scene_jobs(".json"),
    output:
        catalogue=f"{SCENE_FOLDER}/catalogue.ecsv",
        measurements=f"{SCENE_FOLDER}/measurements.ecsv",
        injections=f"{SCENE_FOLDER}/injections.csv",
    log:
        "<results>/logs/scenes/{scene_set}_catalogue.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(20),
    params:
        code=code("scenes/catalogue.py"),
        entry=scene_set,
    message:
        "Write the catalogue of {wildcards.scene_set}"
    script:
        "../scripts/scenes/catalogue.py"


rule scenes_figures:
    input:
        **SCENE_FILES,
        tables=scene_jobs(".csv"),
        tables_injected=scene_jobs("_injected.csv"),
        masks=of_job("keras", "masks.h5"),
        peaks=of_job("torch", "peaks.ecsv"),
        style=STYLE,
    output:
        pdf=f"{SCENE_FOLDER}/scenes.pdf",
        png=f"{SCENE_FOLDER}/scenes.png",
        injections_pdf=f"{SCENE_FOLDER}/injections.pdf",
        injections_png=f"{SCENE_FOLDER}/injections.png",
    log:
        "<results>/logs/scenes/{scene_set}_figures.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(20),
    params:
        code=code("scenes/figures.py"),
        scale=SCALE,
    message:
        "Draw the scenes of {wildcards.scene_set}"
    script:
        "../scripts/scenes/figures.py"
