# Tables of the numbers and claims of all papers, training times, and a record of the run.
ALL_TRAINED = [(paper, *network) for paper in config["papers"] for network in TRAINED[paper]]


rule report_summary:
    input:
        reproduction=expand("<results>/{paper}/reproduction.csv", paper=config["papers"]),
        claims=expand("<results>/{paper}/claims.csv", paper=config["papers"]),
        records=[f"<results>/networks/{name}/network.json" for _, _, name in ALL_TRAINED],
        timings=[f"<results>/benchmarks/training/{name}.json" for _, _, name in ALL_TRAINED],
        published=PUBLISHED,
    output:
        reproduction=report(
            "<results>/tables/reproduction.csv",
            caption="../report/reproduction.rst",
            category="All papers",
            labels={"table": "reproduction", "shows": "published numbers beside ours"},
        ),
        claims=report(
            "<results>/tables/claims.csv",
            caption="../report/claims.rst",
            category="All papers",
            labels={"table": "claims", "shows": "which claims hold"},
        ),
        # In the folder of benchmarks, since these numbers differ from run to run.
        training_time="<results>/benchmarks/training_time.csv",
        provenance="<results>/provenance.json",
    log:
        "<results>/logs/summary.log",
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
    message:
        "Compare published numbers with ours, test the claims, and record the run"
    script:
        "../scripts/report/summary.py"
