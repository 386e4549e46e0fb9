# Boucaud et al. 2020: what describes the data, Table 1 and Figures 1 and 2.


rule table1:
    input:
        table=f"<results>/datasets/{BOUCAUD['dataset']}/table1.csv",
        src=src("tables.py"),
    output:
        csv=report(
            "<results>/tables/table1.csv",
            caption="../report/table1.rst",
            category="Boucaud et al. 2020",
            labels={"table": "1", "shows": "galaxies by class"},
        ),
        tex="<results>/tables/table1.tex",
    log:
        "<results>/logs/boucaud2020/table1.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    message:
        "Table 1: galaxies by class"
    script:
        "../scripts/table1.py"
