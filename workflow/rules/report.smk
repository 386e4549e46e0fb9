# The papers' numbers and claims beside ours, and what ran, for the record.
IOU = ["<results>/boucaud2020/iou.csv"] if BOUCAUD["unet"] or BOUCAUD["blend2mask2flux"] else []
# Network in the configuration to what the paper calls it.
CALLED = {BOUCAUD["network"]: "blend2flux"} | dict.fromkeys(JOINT, "blend2mask2flux")


rule reproduction:
    input:
        statistics="<results>/tables/fig5_stats.csv",
        table2="<results>/tables/table2.csv",
        description="<results>/boucaud2020/output_catalog.json",
        records=expand("<results>/networks/{network}/network.json", network=CALLED),
        iou=IOU,
        # From the authors' own catalogue, where there is one.
        authors=["<results>/published/tables/fig5_stats.csv"] if PUBLISHED_CATALOGUE else [],
        published=f"{BASE}/config/published.yaml",
        src=src("reproduction.py"),
    output:
        table=report(
            "<results>/tables/reproduction.csv",
            caption="../report/reproduction.rst",
            category="Boucaud et al. 2020",
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
    params:
        roles=list(CALLED.values()),
    message:
        "Published numbers beside ours"
    script:
        "../scripts/reproduction.py"


rule claims:
    input:
        statistics="<results>/tables/fig5_stats.csv",
        points="<results>/figures/fig5_points.csv",
        fig7="<results>/figures/fig7.csv",
        fig8="<results>/figures/fig8.csv",
        fig9="<results>/figures/fig9.csv",
        table2="<results>/tables/table2.csv",
        photometry=f"<results>/boucaud2020/{BOUCAUD['network']}/{BOUCAUD['dataset']}/photometry.csv",
        iou=IOU,
        description="<results>/boucaud2020/output_catalog.json",
        src=src("claims.py", "recovered.py"),
    output:
        table=report(
            "<results>/tables/claims.csv",
            caption="../report/claims.rst",
            category="Boucaud et al. 2020",
            labels={"table": "claims", "shows": "which claims hold"},
        ),
    log:
        "<results>/logs/claims.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        roles=CALLED,
    message:
        "Which claims hold"
    script:
        "../scripts/claims.py"


# The authors' own catalogue has no AUTO fluxes, masks or other networks: those claims stay empty.
use rule claims as published_claims with:
    input:
        statistics="<results>/published/tables/fig5_stats.csv",
        points="<results>/published/figures/fig5_points.csv",
        fig7="<results>/published/figures/fig7.csv",
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


rule provenance:
    input:
        networks=[f"<results>/networks/{BOUCAUD['network']}/network.json"],
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
        networks=[BOUCAUD["network"]],
    message:
        "Record what ran"
    script:
        "../scripts/provenance.py"
