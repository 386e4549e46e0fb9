# The papers' numbers and claims beside ours, and what ran, for the record.
IOU = ["<results>/boucaud2020/iou.csv"] if BOUCAUD["unet"] or BOUCAUD["blend2mask2flux"] else []
# Network in the configuration to what the paper calls it.
CALLED = (
    {BOUCAUD["network"]: "blend2flux"}
    | ({BOUCAUD["unet"]: "unet"} if BOUCAUD["unet"] else {})
    | dict.fromkeys(JOINT, "blend2mask2flux")
)


rule boucaud2020_reproduction:
    input:
        statistics="<results>/tables/fig5_stats.csv",
        fig7="<results>/figures/fig7.csv",
        fig8="<results>/figures/fig8.csv",
        table1="<results>/tables/table1.csv",
        table2="<results>/tables/table2.csv",
        catalog="<results>/boucaud2020/output_catalog.csv",
        description="<results>/boucaud2020/output_catalog.json",
        records=expand("<results>/networks/{network}/network.json", network=CALLED),
        iou=IOU,
        # From the authors' own catalogue, where there is one.
        authors=(
            expand(
                "<results>/published/{name}",
                name=["tables/fig5_stats.csv", "output_catalog.csv", "output_catalog.json"],
            )
            if PUBLISHED_CATALOGUE
            else []
        ),
        published=f"{BASE}/config/published.yaml",
        src=src("reproduction.py", "recovered.py"),
    output:
        table="<results>/boucaud2020/reproduction.csv",
    log:
        "<results>/logs/boucaud2020/reproduction.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        roles=list(CALLED.values()),
    message:
        "Boucaud et al. 2020: published numbers beside ours"
    script:
        "../scripts/boucaud2020/reproduction.py"


rule boucaud2020_claims:
    input:
        statistics="<results>/tables/fig5_stats.csv",
        points="<results>/figures/fig5_points.csv",
        fig7="<results>/figures/fig7.csv",
        fig7_points="<results>/figures/fig7_points.csv",
        fig8="<results>/figures/fig8.csv",
        fig9="<results>/figures/fig9.csv",
        table2="<results>/tables/table2.csv",
        photometry=f"<results>/boucaud2020/{BOUCAUD['network']}/{BOUCAUD['dataset']}/photometry.csv",
        iou=IOU,
        fig12=(
            ["<results>/figures/fig12.csv"]
            if BOUCAUD["unet"] and BOUCAUD["blend2mask2flux"]
            else []
        ),
        description="<results>/boucaud2020/output_catalog.json",
        src=src("claims.py", "recovered.py"),
    output:
        table="<results>/boucaud2020/claims.csv",
    log:
        "<results>/logs/boucaud2020/claims.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        roles=CALLED,
    message:
        "Boucaud et al. 2020: which claims hold"
    script:
        "../scripts/boucaud2020/claims.py"


# The authors' own catalogue has no AUTO fluxes, masks or other networks: those claims stay empty.
use rule boucaud2020_claims as published_claims with:
    input:
        statistics="<results>/published/tables/fig5_stats.csv",
        points="<results>/published/figures/fig5_points.csv",
        fig7="<results>/published/figures/fig7.csv",
        fig7_points="<results>/published/figures/fig7_points.csv",
        fig8="<results>/published/figures/fig8.csv",
        fig9="<results>/published/figures/fig9.csv",
        description="<results>/published/output_catalog.json",
        src=src("claims.py", "recovered.py"),
    output:
        table="<results>/published/tables/claims.csv",
    log:
        "<results>/logs/published/claims.log",
    message:
        "Which claims hold in the published catalogue"


rule farrens2022_reproduction:
    input:
        parametric="<results>/farrens2022/accuracy_parametric.csv",
        by_distance="<results>/farrens2022/accuracy_by_distance.csv",
        realistic="<results>/farrens2022/accuracy_realistic.csv",
        confusion="<results>/farrens2022/confusion_realistic.csv",
        samples=expand("<results>/farrens2022/{sample}/test.h5", sample=["parametric", "realistic"]),
        records=expand("<results>/networks/blendhunter/{name}/network.json", name=FARRENS_NAMES),
        published=f"{BASE}/config/published.yaml",
        src=src("bh_reproduction.py", "reproduction.py", "bh_metrics.py", "cosmos.py"),
    output:
        table="<results>/farrens2022/reproduction.csv",
    log:
        "<results>/logs/farrens2022/reproduction.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        scale=config["scale"],
        vgg_weights=FARRENS["vgg_weights"],
        samples={
            name: {
                key: FARRENS["samples"][name][key] for key in ("kind", "source", "close_fraction")
            }
            for name in ("parametric", "realistic")
        },
    message:
        "Farrens et al. 2022: published numbers beside ours"
    script:
        "../scripts/farrens2022/reproduction.py"


rule farrens2022_claims:
    input:
        parametric="<results>/farrens2022/accuracy_parametric.csv",
        by_distance="<results>/farrens2022/accuracy_by_distance.csv",
        realistic="<results>/farrens2022/accuracy_realistic.csv",
        confusion="<results>/farrens2022/confusion_realistic.csv",
        src=src("bh_claims.py", "bh_metrics.py", "claims.py", "recovered.py"),
    output:
        table="<results>/farrens2022/claims.csv",
    log:
        "<results>/logs/farrens2022/claims.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        scale=config["scale"],
        noise_sigma=FARRENS["realistic_noise_sigma"],
    message:
        "Farrens et al. 2022: which claims hold"
    script:
        "../scripts/farrens2022/claims.py"


rule reproduction:
    input:
        tables=expand("<results>/{paper}/reproduction.csv", paper=config["papers"]),
    output:
        table=report(
            "<results>/tables/reproduction.csv",
            caption="../report/reproduction.rst",
            category="All papers",
            labels={"table": "reproduction", "shows": "published numbers beside ours"},
        ),
    log:
        "<results>/logs/reproduction.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    message:
        "Published numbers beside ours"
    script:
        "../scripts/report/join_tables.py"


use rule reproduction as claims with:
    input:
        tables=expand("<results>/{paper}/claims.csv", paper=config["papers"]),
    output:
        table=report(
            "<results>/tables/claims.csv",
            caption="../report/claims.rst",
            category="All papers",
            labels={"table": "claims", "shows": "which claims hold"},
        ),
    log:
        "<results>/logs/claims.log",
    message:
        "Which claims hold"


# Paper, what it calls the network, folder of the network.
TRAINED = {
    "boucaud2020": [(role, name) for name, role in CALLED.items()],
    "farrens2022": [("blendhunter", f"blendhunter/{name}") for name in FARRENS_NAMES],
    "reiman2019": [(name, name) for name in GANS],
    "hemmati2022": [(name, name) for name in SR_ROLES],
}
TRAINED = [(paper, *network) for paper in config["papers"] for network in TRAINED[paper]]


# Beside the benchmarks, since these numbers differ from run to run.
rule training_time:
    input:
        records=[f"<results>/networks/{name}/network.json" for _, _, name in TRAINED],
        timings=[f"<results>/benchmarks/training/{name}.json" for _, _, name in TRAINED],
        published=f"{BASE}/config/published.yaml",
        src=src("reproduction.py", "recovered.py"),
    output:
        table="<results>/benchmarks/training_time.csv",
    log:
        "<results>/logs/training_time.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        trained=[[paper, role] for paper, role, _ in TRAINED],
    message:
        "How long training took"
    script:
        "../scripts/report/training_time.py"


rule provenance:
    input:
        networks=[f"<results>/networks/{name}/network.json" for _, _, name in TRAINED],
        src=src("provenance.py"),
    output:
        provenance="<results>/provenance.json",
    log:
        "<results>/logs/provenance.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        config=config,
        git=GIT,
        networks=[name for _, _, name in TRAINED],
    message:
        "Record what ran"
    script:
        "../scripts/report/provenance.py"
