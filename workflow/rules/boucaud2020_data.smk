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
        "../scripts/boucaud2020/table1.py"


# Parent stamps are temporary: what Figure 1 shows of them is kept. To choose anew they would have to
# be made anew, and with them all that follows, networks too: an edit of the choice does not do so
# (`--forcerun cleaning_examples` does).
rule cleaning_examples:
    input:
        parents=f"<results>/datasets/{BOUCAUD['dataset']}/parents/0.h5",
        cleaned=f"<results>/datasets/{BOUCAUD['dataset']}/cleaned/0.h5",
        src=ancient(src("examples.py")),
    output:
        examples="<results>/boucaud2020/cleaning_examples.h5",
    log:
        "<results>/logs/boucaud2020/cleaning_examples.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=10,
    message:
        "Choose galaxies for Figure 1"
    script:
        "../scripts/boucaud2020/cleaning_examples.py"


rule fig1:
    input:
        examples="<results>/boucaud2020/cleaning_examples.h5",
        src=src("fig1_fig2.py", "examples.py", "plots.py", "paper.mplstyle", "tables.py"),
    output:
        pdf=report(
            "<results>/figures/fig1.pdf",
            caption="../report/fig1.rst",
            category="Boucaud et al. 2020",
            labels={"figure": "1", "shows": "galaxies before and after cleaning"},
        ),
        png="<results>/figures/fig1.png",
        csv="<results>/figures/fig1.csv",
    log:
        "<results>/logs/boucaud2020/fig1.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        scale=config["scale"],
        dataset=BOUCAUD["dataset"],
    message:
        "Figure 1: galaxies before and after cleaning"
    script:
        "../scripts/boucaud2020/fig1.py"


rule blend_examples:
    input:
        stamps=f"<results>/datasets/{BOUCAUD['dataset']}/stamps.h5",
        blends=f"<results>/datasets/{BOUCAUD['dataset']}/blends_test.ecsv",
        src=src("examples.py", *RENDER_SRC),
    output:
        examples="<results>/boucaud2020/blend_examples.h5",
    log:
        "<results>/logs/boucaud2020/blend_examples.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        companion_edge=EDGE,
    message:
        "Choose blends for Figure 2"
    script:
        "../scripts/boucaud2020/blend_examples.py"


rule fig2:
    input:
        examples="<results>/boucaud2020/blend_examples.h5",
        src=src("fig1_fig2.py", "examples.py", "plots.py", "paper.mplstyle", "tables.py"),
    output:
        pdf=report(
            "<results>/figures/fig2.pdf",
            caption="../report/fig2.rst",
            category="Boucaud et al. 2020",
            labels={"figure": "2", "shows": "blends"},
        ),
        png="<results>/figures/fig2.png",
        csv="<results>/figures/fig2.csv",
    log:
        "<results>/logs/boucaud2020/fig2.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        scale=config["scale"],
        dataset=BOUCAUD["dataset"],
    message:
        "Figure 2: blends by distance and magnitude difference"
    script:
        "../scripts/boucaud2020/fig2.py"
