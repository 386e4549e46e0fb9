# Reiman & Goehre 2019: figures, table, numbers and claims, from scores and a few images.
REIMAN_IMAGES = config["reiman2019"]["image_set"]
REIMAN_SCORES = f"<results>/reiman2019/{REIMAN_IMAGES}/scores.csv"
REIMAN_EXAMPLES = f"<results>/reiman2019/{REIMAN_IMAGES}/examples.h5"
GAN_FOLDER = "<results>/networks/deblender_gan"
GAN_PUBLISHED = f"{BASE}/config/published.yaml"
GAN_DRAW_SRC = ["gan_figures.py", "image_metrics.py", "plots.py", "paper.mplstyle"]


rule reiman2019_architecture:
    input:
        generator=f"{GAN_FOLDER}/layers_generator.csv",
        discriminator=f"{GAN_FOLDER}/layers_discriminator.csv",
        src=src(*GAN_DRAW_SRC),
    output:
        **gan_figure_outputs(1, 2),
    log:
        "<results>/logs/reiman2019/architecture.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        label=gan_label(REIMAN_IMAGES),
    message:
        "Figures 1 and 2 of Reiman & Goehre 2019"
    script:
        "../scripts/reiman2019/network_figures.py"


rule reiman2019_figures_of_images:
    input:
        scores="<results>/reiman2019/{images}/scores.csv",
        examples="<results>/reiman2019/{images}/examples.h5",
        published=GAN_PUBLISHED,
        src=src(*GAN_DRAW_SRC),
    output:
        **{
            f"{kind}{n}": f"<results>/reiman2019/{{images}}/fig{n}.{ext}"
            for n in (3, 4, 5, 6)
            for kind, ext in (("pdf", "pdf"), ("png", "png"), ("table", "csv"))
        },
    log:
        "<results>/logs/reiman2019/figures_{images}.log",
    wildcard_constraints:
        images=r"\w+",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        label=lambda wildcards: gan_label(wildcards.images),
        scale=config["scale"],
    message:
        "Figures 3 to 6 of Reiman & Goehre 2019, of the images {wildcards.images}"
    script:
        "../scripts/reiman2019/figures.py"


use rule reiman2019_figures_of_images as reiman2019_figures with:
    input:
        scores=REIMAN_SCORES,
        examples=REIMAN_EXAMPLES,
        published=GAN_PUBLISHED,
        src=src(*GAN_DRAW_SRC),
    output:
        **gan_figure_outputs(3, 4, 5, 6),
    log:
        "<results>/logs/reiman2019/figures.log",
    params:
        label=gan_label(REIMAN_IMAGES),
        scale=config["scale"],
    message:
        "Figures 3 to 6 of Reiman & Goehre 2019"


rule reiman2019_trace:
    input:
        history=f"{GAN_FOLDER}/history.csv",
        panels=f"{GAN_FOLDER}/panels.h5",
        src=src(*GAN_DRAW_SRC),
    output:
        pdf=report(
            "<results>/figures/reiman2019/trace.pdf",
            caption="../report/reiman2019_trace.rst",
            category="Reiman & Goehre 2019",
            labels={"figure": "trace", "shows": "course of training"},
        ),
        png="<results>/figures/reiman2019/trace.png",
    log:
        "<results>/logs/reiman2019/trace.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        label=gan_label(REIMAN_IMAGES),
    message:
        "The course of the GAN's training"
    script:
        "../scripts/reiman2019/trace.py"


rule reiman2019_table1:
    input:
        scores=REIMAN_SCORES,
        published=GAN_PUBLISHED,
        src=src("gan_tables.py", "image_metrics.py", "tables.py"),
    output:
        csv=report(
            "<results>/tables/reiman2019/table1.csv",
            caption="../report/reiman2019_table1.rst",
            category="Reiman & Goehre 2019",
            labels={"table": "1", "shows": "PSNR and SSIM"},
        ),
        tex="<results>/tables/reiman2019/table1.tex",
    log:
        "<results>/logs/reiman2019/table1.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    message:
        "Table 1 of Reiman & Goehre 2019"
    script:
        "../scripts/reiman2019/table1.py"


rule reiman2019_reproduction:
    input:
        scores=REIMAN_SCORES,
        history=f"{GAN_FOLDER}/history.csv",
        record=f"{GAN_FOLDER}/network.json",
        published=GAN_PUBLISHED,
        src=src("gan_reproduction.py", "gan_tables.py", "image_metrics.py", "reproduction.py"),
    output:
        table="<results>/reiman2019/reproduction.csv",
    log:
        "<results>/logs/reiman2019/reproduction.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        configuration=gan_label(REIMAN_IMAGES),
    message:
        "Reiman & Goehre 2019: published numbers beside ours"
    script:
        "../scripts/reiman2019/reproduction.py"


rule reiman2019_claims:
    input:
        scores=REIMAN_SCORES,
        history=f"{GAN_FOLDER}/history.csv",
        src=src("gan_claims.py", "gan_reproduction.py", "image_metrics.py", "claims.py"),
    output:
        table="<results>/reiman2019/claims.csv",
    log:
        "<results>/logs/reiman2019/claims.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        scale=config["scale"],
    message:
        "Reiman & Goehre 2019: which claims hold"
    script:
        "../scripts/reiman2019/claims.py"
