# What ran, each number beside the paper's, and each claim tested.
ROLE_OF = {BOUCAUD[role]: name for role, name in (("network", "blend2flux"),)} | {
    BOUCAUD[role]: role for role in ROLES if role != "unet"
}
PAPER_PHOTOMETRY = f"<results>/boucaud2020/{BOUCAUD['network']}/{BOUCAUD['dataset']}/photometry.csv"
IOU = ["<results>/boucaud2020/iou.csv"] if len(ROLES) == 2 else []


rule boucaud_tables:
    input:
        galaxies=f"<results>/datasets/{BOUCAUD['dataset']}/galaxies.ecsv",
        blends=f"<results>/datasets/{BOUCAUD['dataset']}/blends_test.ecsv",
        predictions=expand(
            "<results>/predictions/{network}/{dataset}.csv",
            network=BOUCAUD["table2_networks"],
            dataset=BOUCAUD["dataset"],
        ),
        records=expand(
            "<results>/networks/{network}/network.json", network=BOUCAUD["table2_networks"]
        ),
        published=f"{BASE}/config/published.yaml",
        src=src("paper_tables.py", "metrics.py", "predictions.py", "tables.py"),
    output:
        csv2="<results>/tables/table2.csv",
        tex2="<results>/tables/table2.tex",
        csv3="<results>/tables/table3.csv",
        tex3="<results>/tables/table3.tex",
    log:
        "<results>/logs/boucaud2020/tables.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        networks=BOUCAUD["table2_networks"],
        hot=BOUCAUD["sep"]["hot"],
        cold=BOUCAUD["sep"]["cold"],
        scale=config["scale"],
    message:
        "Tables 2 and 3"
    script:
        "../scripts/boucaud_tables.py"


rule reproduction:
    input:
        photometry=PAPER_PHOTOMETRY,
        catalog="<results>/boucaud2020/output_catalog.csv",
        table2="<results>/tables/table2.csv",
        iou=IOU,
        records=expand(
            "<results>/networks/{network}/network.json",
            network=[BOUCAUD["network"], *(BOUCAUD[role] for role in ROLES)],
        ),
        published=f"{BASE}/config/published.yaml",
        src=src("reproduction.py"),
    output:
        table=report(
            "<results>/tables/reproduction.csv",
            caption="../report/reproduction.rst",
            category="Reproduction",
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
        roles=ROLE_OF,
        record_roles=["blend2flux", *ROLES],
        configuration=f"{config['scale']}, {BOUCAUD['dataset']}",
    message:
        "Each published number beside ours"
    script:
        "../scripts/reproduction.py"


rule claims:
    input:
        photometry=PAPER_PHOTOMETRY,
        catalog="<results>/boucaud2020/output_catalog.csv",
        description="<results>/boucaud2020/output_catalog.json",
        iou=IOU,
        src=src("claims.py", "metrics.py", "units.py", "predictions.py"),
    output:
        claims=report(
            "<results>/tables/claims.csv",
            caption="../report/claims.rst",
            category="Reproduction",
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
        roles=ROLE_OF,
        scale=config["scale"],
    message:
        "The paper's claims, tested"
    script:
        "../scripts/claims.py"


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
