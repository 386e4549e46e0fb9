# Hemmati et al. 2022: figures, table, numbers and claims, from small files.
SR_CUTOUTS = config["hemmati2022"]["cutouts_set"]
SR_FOLDER = f"<results>/hemmati2022/{SR_CUTOUTS}"
SR_PUBLISHED = f"{BASE}/config/published.yaml"
SR_TABLE_SRC = ["sr_tables.py", "peaks.py", "mixture_fit.py"]
SR_DRAW_SRC = ["sr_figures.py", "plots.py", "paper.mplstyle", *SR_TABLE_SRC]


rule hemmati2022_networks:
    input:
        generators=expand("<results>/networks/{network}/layers_generator.csv", network=SR_NETWORKS),
        discriminators=expand(
            "<results>/networks/{network}/layers_discriminator.csv", network=SR_NETWORKS
        ),
        src=src(*SR_DRAW_SRC),
    output:
        **sr_figure_outputs(1),
    log:
        "<results>/logs/hemmati2022/networks.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        networks=SR_NETWORKS,
        label=sr_label(SR_CUTOUTS),
    message:
        "Figure 1 of Hemmati et al. 2022"
    script:
        "../scripts/hemmati2022/network_figure.py"


rule hemmati2022_images:
    input:
        galleries=f"{SR_FOLDER}/galleries.h5",
        examples=f"{SR_FOLDER}/examples.h5",
        src=src(*SR_DRAW_SRC),
    output:
        **sr_figure_outputs(2, 3, 4, 8),
    log:
        "<results>/logs/hemmati2022/images.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        label=sr_label(SR_CUTOUTS),
    message:
        "Figures 2, 3, 4 and 8 of Hemmati et al. 2022"
    script:
        "../scripts/hemmati2022/image_figures.py"


rule hemmati2022_fractions:
    input:
        detections=f"{SR_FOLDER}/detections.csv",
        src=src(*SR_DRAW_SRC),
    output:
        **sr_figure_outputs(5, 9),
    log:
        "<results>/logs/hemmati2022/fractions.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        label=sr_label(SR_CUTOUTS),
        scale=config["scale"],
    message:
        "Figures 5 and 9 of Hemmati et al. 2022"
    script:
        "../scripts/hemmati2022/detection_figures.py"


rule hemmati2022_map:
    input:
        cells=f"{SR_FOLDER}/som_cells.csv",
        som=f"{SR_FOLDER}/som.json",
        src=src(*SR_DRAW_SRC),
    output:
        **sr_figure_outputs(6),
    log:
        "<results>/logs/hemmati2022/map.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        label=sr_label(SR_CUTOUTS),
        scale=config["scale"],
    message:
        "Figure 6 of Hemmati et al. 2022"
    script:
        "../scripts/hemmati2022/map_figure.py"


rule hemmati2022_photometry_figure:
    input:
        photometry=f"{SR_FOLDER}/photometry.csv",
        gpr=f"{SR_FOLDER}/gpr.csv",
        scatter=f"{SR_FOLDER}/scatter.csv",
        bins=f"{SR_FOLDER}/scatter_bins.csv",
        src=src(*SR_DRAW_SRC),
    output:
        **sr_figure_outputs(7),
    log:
        "<results>/logs/hemmati2022/photometry_figure.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        label=sr_label(SR_CUTOUTS),
        scale=config["scale"],
    message:
        "Figure 7 of Hemmati et al. 2022"
    script:
        "../scripts/hemmati2022/photometry_figure.py"


rule hemmati2022_detection:
    input:
        detections=f"{SR_FOLDER}/detections.csv",
        false_positives=f"{SR_FOLDER}/false_positives.csv",
        photometry=f"{SR_FOLDER}/photometry.csv",
        published=SR_PUBLISHED,
        src=src("tables.py", *SR_TABLE_SRC),
    output:
        csv=report(
            "<results>/tables/hemmati2022/detection.csv",
            caption="../report/hemmati2022_detection.rst",
            category="Hemmati et al. 2022",
            labels={"table": "detection", "shows": "detections, false positives, photometry"},
        ),
        tex="<results>/tables/hemmati2022/detection.tex",
    log:
        "<results>/logs/hemmati2022/detection.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    message:
        "Hemmati et al. 2022: table of detections"
    script:
        "../scripts/hemmati2022/table.py"


rule hemmati2022_reproduction:
    input:
        detections=f"{SR_FOLDER}/detections.csv",
        false_positives=f"{SR_FOLDER}/false_positives.csv",
        photometry=f"{SR_FOLDER}/photometry.csv",
        som=f"{SR_FOLDER}/som.json",
        published=SR_PUBLISHED,
        src=src("sr_reproduction.py", "reproduction.py", *SR_TABLE_SRC),
    output:
        table="<results>/hemmati2022/reproduction.csv",
    log:
        "<results>/logs/hemmati2022/reproduction.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        configuration=sr_label(SR_CUTOUTS),
    message:
        "Hemmati et al. 2022: published numbers beside ours"
    script:
        "../scripts/hemmati2022/reproduction.py"


rule hemmati2022_claims:
    input:
        detections=f"{SR_FOLDER}/detections.csv",
        false_positives=f"{SR_FOLDER}/false_positives.csv",
        photometry=f"{SR_FOLDER}/photometry.csv",
        som=f"{SR_FOLDER}/som.json",
        src=src("sr_claims.py", "claims.py", *SR_TABLE_SRC),
    output:
        table="<results>/hemmati2022/claims.csv",
    log:
        "<results>/logs/hemmati2022/claims.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        scale=config["scale"],
    message:
        "Hemmati et al. 2022: which claims hold"
    script:
        "../scripts/hemmati2022/claims.py"
