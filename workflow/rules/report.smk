# Tables of the numbers and claims of all papers, the most telling numbers, times, and records of the
# run; the front page of Snakemake's report.
report: "../report/workflow.rst"


PAPER_TITLES = {paper: CATEGORIES[paper] for paper in config["papers"]}
ALL_TRAINED = [(paper, *network) for paper in config["papers"] for network in TRAINED[paper]]
# Tables of results with the most telling numbers of each paper, by name.
HIGHLIGHTS = {
    "boucaud2020": {
        "photometry": "<results>/boucaud2020/photometry.csv",
        "reproduction": "<results>/boucaud2020/reproduction.csv",
    },
    "farrens2022": {
        sample: f"<results>/farrens2022/accuracy_{sample}.csv"
        for sample in ("parametric", "realistic")
    },
    "reiman2019": {"scores": f"<results>/reiman2019/{REIMAN_SET}/scores.csv"},
    "hemmati2022": {"detection": "<results>/tables/hemmati2022/detection.csv"},
}
HIGHLIGHT_TABLES = {
    name: path for paper in config["papers"] for name, path in HIGHLIGHTS[paper].items()
}
# Papers with findings about them.
FOUND_ABOUT = [paper for paper in config["papers"] if paper != "hemmati2022"]
# Benchmarks of each paper's jobs, without the extension.
BENCHMARKS = {
    "boucaud2020": ["simulate/*", "clean/*", "sep/*", "forced_fit/*", "predict/*"],
    "farrens2022": ["farrens2022/*"],
    "reiman2019": ["reiman2019/*"],
    "hemmati2022": ["hemmati2022/*"],
}


rule report_summary:
    input:
        reproduction=expand("<results>/{paper}/reproduction.csv", paper=config["papers"]),
        claims=expand("<results>/{paper}/claims.csv", paper=config["papers"]),
        findings=expand("<results>/{paper}/findings.csv", paper=FOUND_ABOUT),
        tables=list(HIGHLIGHT_TABLES.values()),
        records=[f"<results>/networks/{name}/network.json" for _, _, name in ALL_TRAINED],
        timings=[f"<results>/benchmarks/training/{name}.json" for _, _, name in ALL_TRAINED],
        published=PUBLISHED,
    output:
        reproduction="<results>/tables/reproduction.csv",
        claims="<results>/tables/claims.csv",
        findings="<results>/tables/findings.csv",
        highlights="<results>/tables/highlights.csv",
        highlights_text="<results>/tables/highlights.txt",
        # In the folder of benchmarks, since these numbers differ from run to run.
        training_time="<results>/benchmarks/training_time.csv",
        job_time="<results>/benchmarks/job_time.csv",
        job_time_text="<results>/benchmarks/job_time.txt",
        circumstances="<results>/report/circumstances.json",
    log:
        "<results>/logs/summary.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("report/summary.py"),
        config=PUBLIC_CONFIG,
        trained=ALL_TRAINED,
        papers=PAPER_TITLES,
        # Folders of the papers' figures and patterns of their benchmarks, below the results.
        figures={p: "figures" if p == "boucaud2020" else f"figures/{p}" for p in PAPER_TITLES},
        benchmarks={
            paper: BENCHMARKS[paper] + [f"train/{name}" for _, name in TRAINED[paper]]
            for paper in config["papers"]
        },
        tables=list(HIGHLIGHT_TABLES),
        # What of the run is not as in the paper.
        remarks={
            "farrens2022": f"VGG-16 weights: {FARRENS['vgg_weights']}",
            "reiman2019": f"GAN{generator_note()}{orientations_note()}",
            "hemmati2022": HEMMATI_LABEL.partition(", ")[2],
        },
        highlights={
            "networks": dict(PAPER_ROLES),
            "noise_sigma": FARRENS["realistic_noise_sigma"],
            "sextractor_flux": BOUCAUD["sextractor_flux"],
        },
    message:
        "Compare published numbers with ours, test the claims, and record the circumstances of the run"
    script:
        "../scripts/report/summary.py"


# Pages of the report. Each result in it has one label only: of two results with two labels, of which the
# second ones differ, the report makes a choice between versions of one result, and its list is empty.
def report_page(path, category, title, caption):
    """A page of the report."""
    return report(
        path, caption=f"../report/{caption}.rst", category=category, labels={"result": title}
    )


# Tables that are pages beside those of the rules (see table_outputs): by paper and name, title and path.
STATISTICS = {
    "boucaud2020": {
        "fig5_stats": ("panels of Figures 5 and 6", "<results>/tables/fig5_stats.csv"),
        "baselines_stats": ("errors of all methods", "<results>/tables/baselines_stats.csv"),
    },
    "farrens2022": {
        f"accuracy_{sample}": (
            f"accuracies on {sample} stamps",
            f"<results>/farrens2022/accuracy_{sample}.csv",
        )
        for sample in ("parametric", "realistic")
    },
    "reiman2019": {
        "failure_rates": ("failures", f"<results>/reiman2019/{REIMAN_SET}/failure_rates.csv"),
    },
    "hemmati2022": {
        "image_quality": ("images of galaxies", f"{HEMMATI_FOLDER}/image_quality.csv"),
    },
}
# Galaxies that are left out. Farrens et al. 2022 draw theirs, or take all of a catalogue: see their Table 1.
EXCLUDED = {
    "boucaud2020": {
        "exclusions": ("galaxies left out, by reason", f"{BOUCAUD_DATA}/exclusions.csv"),
        "criteria": ("criteria of cleaning", f"{BOUCAUD_DATA}/criteria.csv"),
    },
    "reiman2019": {
        "excluded": ("images left out", f"<results>/datasets/{REIMAN_SET}/excluded.csv"),
    },
    "hemmati2022": {
        "excluded": ("galaxies left out", f"<results>/datasets/{HEMMATI_SET}/excluded.csv"),
    },
}
TABLES["farrens2022"]["magnitudes"] = (
    "Table: accuracy by magnitude",
    "<results>/tables/farrens2022/magnitudes.csv",
)
TABLES["reiman2019"]["science"] = (
    "Table: flux, colour, size and shape",
    f"<results>/reiman2019/{REIMAN_SET}/science.csv",
)
# For each page: category, title, caption, the table and the page.
PAGES = [
    (CATEGORIES[p], title, f"{p}/{name}", table, f"<results>/report/{p}/{name}.html")
    for p in config["papers"]
    for name, (title, table) in TABLES[p].items()
]
PAGES += [
    (CATEGORIES[p], f"{kind}: {title}", caption, table, f"<results>/report/{p}/{name}.html")
    for kind, caption, tables in (
        ("Statistics", "statistics", STATISTICS),
        ("Data", "excluded", EXCLUDED),
    )
    for p in config["papers"]
    for name, (title, table) in tables.get(p, {}).items()
]
# In the folder of benchmarks, since these numbers differ from run to run.
PAGES += [
    ("All papers", f"Times: {title}", "times", f"{folder}/{name}.csv", f"{folder}/{name}.html")
    for folder in ["<results>/benchmarks"]
    for name, title in (("training_time", "trainings"), ("job_time", "jobs"))
]
# Tables with the numbers of captions, by the names of figures: those of the figures, or others.
CAPTIONED = {
    f"{paper}/{Path(path).stem}": path
    for paper in config["papers"]
    for path in TARGETS[paper]
    if path.startswith("<results>/figures/") and path.endswith(".csv")
}
OTHER_NUMBERS = {
    "farrens2022": {
        f"roc_{sample}": f"<results>/farrens2022/roc_{sample}.csv"
        for sample in ("parametric", "realistic")
    },
    "reiman2019": {
        "failures": f"<results>/reiman2019/{REIMAN_SET}/failure_rates.csv",
        "science": f"<results>/reiman2019/{REIMAN_SET}/science.csv",
    },
    "hemmati2022": {"ladder_curves": "<results>/tables/hemmati2022/ladder.csv"},
}
CAPTIONED |= {
    f"{paper}/{name}": path
    for paper in config["papers"]
    for name, path in OTHER_NUMBERS.get(paper, {}).items()
}


rule report_training:
    input:
        histories=lambda wildcards: [
            f"<results>/networks/{name}/history.csv" for _, name in TRAINED[wildcards.paper]
        ],
        style=STYLE,
    output:
        pdf="<results>/report/{paper}/training.pdf",
        png=report(
            "<results>/report/{paper}/training.png",
            caption="../report/training.rst",
            category=lambda wildcards: CATEGORIES[wildcards.paper],
            labels={"result": "Training: losses and scores of validation"},
        ),
    log:
        "<results>/logs/report/training_{paper}.log",
    wildcard_constraints:
        paper=any_of(config["papers"]),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("report/training.py"),
        networks=lambda wildcards: [network for network, _ in TRAINED[wildcards.paper]],
        label=lambda wildcards: f"{SCALE} scale, {CATEGORIES[wildcards.paper]}",
    message:
        "Losses and scores of the trainings of {wildcards.paper}"
    script:
        "../scripts/report/training.py"


rule report_pages:
    input:
        **{
            name: f"<results>/tables/{name}.csv"
            for name in ("reproduction", "claims", "findings", "highlights")
        },
        circumstances="<results>/report/circumstances.json",
        tables=[table for *_, table, _ in PAGES],
        captioned=list(CAPTIONED.values()),
    output:
        first=report_page(
            "<results>/report/first_page.html", "All papers", "First page", "first_page"
        ),
        first_part="<results>/report/captions/first_page.html",
        claims=report_page("<results>/report/claims.html", "All papers", "Claims", "claims"),
        findings=report_page(
            "<results>/report/findings.html", "All papers", "Findings about the papers", "findings"
        ),
        reproduction=report_page(
            "<results>/report/reproduction.html",
            "All papers",
            "Published numbers beside ours",
            "reproduction",
        ),
        pages=[
            report_page(path, category, title, caption)
            for category, title, caption, _, path in PAGES
        ],
        captions=[f"<results>/report/captions/{name}.html" for name in CAPTIONED],
    log:
        "<results>/logs/report/pages.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("report/pages.py"),
        papers=PAPER_TITLES,
    message:
        "Pages of the report: tables that are rounded, and numbers for the captions of figures"
    script:
        "../scripts/report/pages.py"


# What the default target makes.
ALL_MADE = [
    [TARGETS[paper] for paper in config["papers"]],
    expand(
        "<results>/tables/{name}.csv",
        name=["reproduction", "claims", "findings", "highlights"],
    ),
    "<results>/benchmarks/training_time.csv",
    "<results>/report/first_page.html",
    expand("<results>/report/{paper}/training.png", paper=config["papers"]),
]


# After all others. The checksums are in the folder of benchmarks, since descriptions of networks have the
# commit of the code.
rule record_checksums:
    input:
        made=ALL_MADE,
        circumstances="<results>/report/circumstances.json",
    output:
        checksums="<results>/benchmarks/checksums.csv",
        provenance="<results>/provenance.json",
    log:
        "<results>/logs/record_checksums.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(60),
    params:
        code=code("data/record_checksums.py"),
    message:
        "Record the circumstances of the run, and the checksums of all results"
    script:
        "../scripts/data/record_checksums.py"


# Reads all results again. It has no input and no output: nothing is made again before, and it looks
# each time.
rule verify:
    """Compare all results with the digests of when they were made."""
    log:
        "<results>/logs/verify.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(60),
    params:
        code=code("data/verify.py"),
    message:
        "Compare all results with the checksums that were recorded when the run ended"
    script:
        "../scripts/data/verify.py"
