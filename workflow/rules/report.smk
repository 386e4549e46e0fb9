# Tables of the numbers and claims of all papers, the most telling numbers, times, and a record of the
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
        # In the report, each of these has one label only. If two results have two labels, and the
        # second ones differ, the report takes these for a choice between versions of one result, and
        # its page shows nothing.
        reproduction=report(
            "<results>/tables/reproduction.csv",
            caption="../report/reproduction.rst",
            category="All papers",
            labels={"table": "reproduction: published numbers beside ours"},
        ),
        claims=report(
            "<results>/tables/claims.csv",
            caption="../report/claims.rst",
            category="All papers",
            labels={"table": "claims: which of them hold"},
        ),
        findings=report(
            "<results>/tables/findings.csv",
            caption="../report/findings.rst",
            category="All papers",
            labels={"table": "findings: what the reproduction found about the papers"},
        ),
        highlights=report(
            "<results>/tables/highlights.csv",
            caption="../report/highlights.rst",
            category="All papers",
            labels={"table": "highlights: the ten most telling numbers"},
        ),
        highlights_text="<results>/tables/highlights.txt",
        # In the folder of benchmarks, since these numbers differ from run to run.
        training_time="<results>/benchmarks/training_time.csv",
        job_time="<results>/benchmarks/job_time.csv",
        job_time_text="<results>/benchmarks/job_time.txt",
        provenance="<results>/provenance.json",
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
        config=config,
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
        "Compare published numbers with ours, test the claims, and record the run"
    script:
        "../scripts/report/summary.py"


# What the default target makes.
ALL_MADE = [
    [TARGETS[paper] for paper in config["papers"]],
    expand(
        "<results>/tables/{name}.csv",
        name=["reproduction", "claims", "findings", "highlights"],
    ),
    "<results>/benchmarks/training_time.csv",
    "<results>/provenance.json",
]


# In the folder of benchmarks, since descriptions of networks have the commit of the code.
rule record_checksums:
    input:
        made=ALL_MADE,
    output:
        checksums="<results>/benchmarks/checksums.csv",
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
        "Record the checksums of all results"
    script:
        "../scripts/data/record_checksums.py"


# Reads all results again. It has no input and no output: nothing is made again before, and it looks
# each time.
rule verify:
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
