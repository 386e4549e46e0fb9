# Boucaud et al. 2020: the networks drawn (Figs 3, 4), and masks (Figs 10 to 12).
ROLES = [key for key in ("unet", "blend2mask2flux") if BOUCAUD[key]]


rule gather_iou:
    input:
        iou=[
            f"<results>/predictions/{BOUCAUD[role]}/{BOUCAUD['dataset']}/iou.csv" for role in ROLES
        ],
    output:
        iou="<results>/boucaud2020/iou.csv",
    log:
        "<results>/logs/boucaud2020/iou.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        networks=ROLES,
    message:
        "Gather the IoU of {params.networks}"
    script:
        "../scripts/boucaud2020/gather_iou.py"


rule mask_figures:
    input:
        unet=of_role("unet", "<results>/predictions/{network}/{dataset}/masks.h5"),
        blend2mask2flux=of_role(
            "blend2mask2flux", "<results>/predictions/{network}/{dataset}/masks.h5"
        ),
        iou="<results>/boucaud2020/iou.csv",
        catalog="<results>/boucaud2020/output_catalog.csv",
        description="<results>/boucaud2020/output_catalog.json",
        src=src(
            "mask_figures.py",
            "masks.py",
            "predictions.py",
            "priors.py",
            "plots.py",
            "paper.mplstyle",
        ),
    output:
        pdf10=report(
            "<results>/figures/fig10.pdf",
            caption="../report/fig10.rst",
            category="Boucaud et al. 2020",
            labels={"figure": "10", "shows": "masks from the blend"},
        ),
        png10="<results>/figures/fig10.png",
        table10="<results>/figures/fig10.csv",
        pdf11=report(
            "<results>/figures/fig11.pdf",
            caption="../report/fig11.rst",
            category="Boucaud et al. 2020",
            labels={"figure": "11", "shows": "masks of the two networks"},
        ),
        png11="<results>/figures/fig11.png",
        table11="<results>/figures/fig11.csv",
        pdf12=report(
            "<results>/figures/fig12.pdf",
            caption="../report/fig12.rst",
            category="Boucaud et al. 2020",
            labels={"figure": "12", "shows": "IoU"},
        ),
        png12="<results>/figures/fig12.png",
        table12="<results>/figures/fig12.csv",
    log:
        "<results>/logs/boucaud2020/mask_figures.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        noise_sigma=config["datasets"][BOUCAUD["dataset"]]["noise_sigma"],
    message:
        "Figures 10 to 12: masks"
    script:
        "../scripts/boucaud2020/mask_figures.py"


rule fig3:
    input:
        layers=f"<results>/networks/{BOUCAUD['network']}/layers.csv",
        src=src("architecture_figures.py", "plots.py", "paper.mplstyle"),
    output:
        pdf=report(
            "<results>/figures/fig3.pdf",
            caption="../report/fig3.rst",
            category="Boucaud et al. 2020",
            labels={"figure": "3", "shows": "blend2flux"},
        ),
        png="<results>/figures/fig3.png",
        table="<results>/figures/fig3.csv",
    log:
        "<results>/logs/boucaud2020/fig3.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        figure="fig3",
        label=f"{config['scale']} scale",
    message:
        "Figure 3: blend2flux as built"
    script:
        "../scripts/boucaud2020/network_figure.py"


use rule fig3 as fig4 with:
    input:
        layers=of_role("unet", "<results>/networks/{network}/layers.csv"),
        src=src("architecture_figures.py", "plots.py", "paper.mplstyle"),
    output:
        pdf=report(
            "<results>/figures/fig4.pdf",
            caption="../report/fig4.rst",
            category="Boucaud et al. 2020",
            labels={"figure": "4", "shows": "U-Net"},
        ),
        png="<results>/figures/fig4.png",
        table="<results>/figures/fig4.csv",
    log:
        "<results>/logs/boucaud2020/fig4.log",
    params:
        figure="fig4",
        label=f"{config['scale']} scale",
    message:
        "Figure 4: the U-Net as built"
