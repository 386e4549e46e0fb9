# What ran, for the record. The reproduction table and the report follow here.


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
