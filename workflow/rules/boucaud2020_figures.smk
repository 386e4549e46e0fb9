# Boucaud et al. 2020: figures and tables from the catalogue of test blends, ours or the authors'.


use rule fig5 as fig6 with:
    input:
        catalog="<results>/boucaud2020/output_catalog.csv",
        description="<results>/boucaud2020/output_catalog.json",
        src=src("fig6.py", "metrics.py", *FIGURE_SRC),
    output:
        pdf=report(
            "<results>/figures/fig6.pdf",
            caption="../report/fig6.rst",
            category="Boucaud et al. 2020",
            labels={"figure": "6", "shows": "magnitudes, pair detected or missed"},
        ),
        png="<results>/figures/fig6.png",
        statistics="<results>/figures/fig6.csv",
        points="<results>/figures/fig6_points.csv",
    log:
        "<results>/logs/boucaud2020/fig6.log",
    params:
        figure="fig6",
        bootstrap=BOOTSTRAP,
    message:
        "Figure 6: magnitudes where SExtractor finds the pair, and where not"


use rule fig5 as fig7 with:
    input:
        catalog="<results>/boucaud2020/output_catalog.csv",
        description="<results>/boucaud2020/output_catalog.json",
        src=src("fig7.py", *FIGURE_SRC),
    output:
        pdf=report(
            "<results>/figures/fig7.pdf",
            caption="../report/fig7.rst",
            category="Boucaud et al. 2020",
            labels={"figure": "7", "shows": "errors against magnitude difference"},
        ),
        png="<results>/figures/fig7.png",
        statistics="<results>/figures/fig7.csv",
        points="<results>/figures/fig7_points.csv",
    log:
        "<results>/logs/boucaud2020/fig7.log",
    params:
        figure="fig7",
        bootstrap={},
    message:
        "Figure 7: photometric errors against the pair's magnitude difference"


use rule fig5 as fig8 with:
    input:
        catalog="<results>/boucaud2020/output_catalog.csv",
        description="<results>/boucaud2020/output_catalog.json",
        src=src("fig8.py", *FIGURE_SRC),
    output:
        pdf=report(
            "<results>/figures/fig8.pdf",
            caption="../report/fig8.rst",
            category="Boucaud et al. 2020",
            labels={"figure": "8", "shows": "bias and scatter"},
        ),
        png="<results>/figures/fig8.png",
        statistics="<results>/figures/fig8.csv",
        points="<results>/figures/fig8_points.csv",
    log:
        "<results>/logs/boucaud2020/fig8.log",
    params:
        figure="fig8",
        bootstrap={},
    message:
        "Figure 8: bias and scatter against the pair's magnitude difference"


use rule fig5 as fig9 with:
    input:
        catalog="<results>/boucaud2020/output_catalog.csv",
        description="<results>/boucaud2020/output_catalog.json",
        src=src("fig9.py", *FIGURE_SRC),
    output:
        pdf=report(
            "<results>/figures/fig9.pdf",
            caption="../report/fig9.rst",
            category="Boucaud et al. 2020",
            labels={"figure": "9", "shows": "bias and scatter by morphology"},
        ),
        png="<results>/figures/fig9.png",
        statistics="<results>/figures/fig9.csv",
        points="<results>/figures/fig9_points.csv",
    log:
        "<results>/logs/boucaud2020/fig9.log",
    params:
        figure="fig9",
        bootstrap={},
    message:
        "Figure 9: bias and scatter by morphological type"


rule fig5_stats:
    input:
        fig5="<results>/figures/fig5.csv",
        fig6="<results>/figures/fig6.csv",
        src=src("recovered.py"),
    output:
        table="<results>/tables/fig5_stats.csv",
    log:
        "<results>/logs/boucaud2020/fig5_stats.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    message:
        "Numbers in the panels of Figures 5 and 6"
    script:
        "../scripts/boucaud2020/fig5_stats.py"


rule table2:
    input:
        galaxies=f"<results>/datasets/{BOUCAUD['dataset']}/galaxies.ecsv",
        blends=f"<results>/datasets/{BOUCAUD['dataset']}/blends_test.ecsv",
        predictions=expand(
            "<results>/predictions/{network}/{dataset}.csv",
            network=BOUCAUD["table2"],
            dataset=BOUCAUD["dataset"],
        ),
        descriptions=expand("<results>/networks/{network}/network.json", network=BOUCAUD["table2"]),
        published=f"{BASE}/config/published.yaml",
        src=src("table2.py", "metrics.py", "predictions.py", "tables.py", "units.py"),
    output:
        csv=report(
            "<results>/tables/table2.csv",
            caption="../report/table2.rst",
            category="Boucaud et al. 2020",
            labels={"table": "2", "shows": "flux error by filters"},
        ),
        tex="<results>/tables/table2.tex",
    log:
        "<results>/logs/boucaud2020/table2.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        networks=BOUCAUD["table2"],
        scale=config["scale"],
    message:
        "Table 2: flux error of {params.networks}"
    script:
        "../scripts/boucaud2020/table2.py"


rule table3:
    input:
        published=f"{BASE}/config/published.yaml",
        src=src("table3.py", "tables.py"),
    output:
        csv=report(
            "<results>/tables/table3.csv",
            caption="../report/table3.rst",
            category="Boucaud et al. 2020",
            labels={"table": "3", "shows": "SExtractor's settings"},
        ),
        tex="<results>/tables/table3.tex",
    log:
        "<results>/logs/boucaud2020/table3.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        hot=BOUCAUD["sep"]["hot"],
        cold=BOUCAUD["sep"]["cold"],
    message:
        "Table 3: settings of the baseline"
    script:
        "../scripts/boucaud2020/table3.py"


# The authors' own catalogue, through the same code.
rule download_published_catalogue:
    output:
        catalog="<resources>/boucaud2020_published/output_catalog.csv",
    log:
        "<results>/logs/download/boucaud2020_published.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        url=PUBLISHED_CATALOGUE,
        checksum=BOUCAUD["published_checksum"],
        max_bytes=100_000_000,  # 5,000 blends are 1.3 MB
    message:
        "Download the catalogue that Boucaud et al. 2020 published"
    script:
        "../scripts/data/download_table.py"


rule published_catalogue:
    input:
        catalog=published_catalogue,
        published=f"{BASE}/config/published.yaml",
        src=src("catalog.py"),
    output:
        catalog="<results>/published/output_catalog.csv",
        description="<results>/published/output_catalog.json",
    log:
        "<results>/logs/published/catalog.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    message:
        "Check the catalogue that Boucaud et al. 2020 published"
    script:
        "../scripts/boucaud2020/published_catalogue.py"


rule published_figure:
    input:
        catalog="<results>/published/output_catalog.csv",
        description="<results>/published/output_catalog.json",
        src=lambda wildcards: src(f"{wildcards.figure}.py", "metrics.py", *FIGURE_SRC),
    output:
        pdf="<results>/published/figures/{figure}.pdf",
        png="<results>/published/figures/{figure}.png",
        statistics="<results>/published/figures/{figure}.csv",
        points="<results>/published/figures/{figure}_points.csv",
    log:
        "<results>/logs/published/{figure}.log",
    wildcard_constraints:
        figure="fig[5-9]",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        figure=lambda wildcards: wildcards.figure,
        bootstrap=lambda wildcards: BOOTSTRAP if wildcards.figure in ("fig5", "fig6") else {},
    message:
        "{wildcards.figure} from the published catalogue"
    script:
        "../scripts/boucaud2020/catalog_figure.py"


use rule fig5_stats as published_fig5_stats with:
    input:
        fig5="<results>/published/figures/fig5.csv",
        fig6="<results>/published/figures/fig6.csv",
        src=src("recovered.py"),
    output:
        table="<results>/published/tables/fig5_stats.csv",
    log:
        "<results>/logs/published/fig5_stats.log",
    message:
        "Numbers in the panels of Figures 5 and 6, from the published catalogue"
