"""What each recipe is, in plain words: where it comes from, its formula, its data, and where that is to be had.

Settings are not repeated here: `vaelab.recipes` has them. A note says why they are as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from vaelab.config import TrainConfig
from vaelab.settings import DebiasConfig


@dataclass(frozen=True)
class RecipeNote:
    """One recipe, explained to somebody who meets it for the first time.

    Attributes:
        title: a few words, for lists.
        origin: the project or paper that it reproduces.
        words: one paragraph of what it learns, and how.
        formula: what is minimised for each picture, as LaTeX.
        data: which pictures it was made for, and which it takes here.
        paper: where to read on, or empty.
        weight: how the KL's published weight reads in nats per image; empty where no KL is weighed.
        labs_own: data sets, each row enough for a training, that the published project took; before others where ready.
    """

    title: str
    origin: str
    words: str
    formula: str
    data: str
    paper: str = ""
    weight: str = ""
    labs_own: tuple[tuple[str, ...], ...] = ()


KL = r"\mathrm{KL}\big(q(z\mid x)\,\Vert\,\mathcal N(0, I)\big)"
OPTIMAL = rf"-\log \mathcal N\big(x;\,\hat x(z),\,\sigma_*^2 I\big) \;+\; {KL},\qquad \sigma_*^2 = \mathrm{{MSE}}"
LAB_SUM = (
    rf"\mathrm{{CE}}(y, \hat y) \;+\; y\,\Big[\,0.0005\cdot{KL}"
    r" \;+\; \tfrac1n\textstyle\sum_i |x_i - \hat x_i|\,\Big]"
)
DETECTOR = r"\mathrm{CE}(y, \hat y) \;=\; -\,y\log \hat y \;-\; (1 - y)\log(1 - \hat y)"
SIGMA_PAPER = "Rybkin, Daniilidis, Levine: Simple and Effective VAE Training with Calibrated Decoders (ICML 2021)"
VAE_PAPER = "Kingma, Welling: Auto-Encoding Variational Bayes (ICLR 2014)"
DEBIASING_PAPER = (
    "Amini, Soleimany et al.: Uncovering and Mitigating Algorithmic Bias through Learned Latent Structure (AIES 2019)"
)
LAB = "MIT 6.S191, Introduction to Deep Learning, lab 2: facial detection systems"
LAB_WEIGHT = (
    "0.0005 is the lab's c, the KL's weight beside an error averaged over the 12,288 values of a picture. vaelab sums "
    "over them, as a likelihood does, so beta = 12,288 · c = 6.144."
)
ONE = "Nothing is weighed: with the likelihood in nats, 1 is the evidence lower bound itself."


RECIPE_NOTES: dict[str, RecipeNote] = {
    "first-minute": RecipeNote(
        title="a first face VAE in about a minute",
        origin="This project: the smallest training that shows everything a VAE does.",
        words="An encoder squeezes a drawn face into 64 numbers, each with its own doubt; a decoder draws the face "
        "from them again. Two forces pull: the picture should come back (reconstruction), and the numbers should look "
        "like noise from a bell curve (KL), so that noise can be decoded into new faces. It begins at the principal "
        "components of the faces, which is why the first pictures are recognisable after seconds.",
        formula=OPTIMAL,
        data="Faces that the program draws itself, with exact labels. No download.",
        paper=SIGMA_PAPER,
        weight=ONE,
    ),
    "face-vae": RecipeNote(
        title="the deeper VAE on photographs",
        origin="This project: the model that the pages show first.",
        words="The same idea on photographs, with 128 numbers and a deeper network of residual blocks. The width of "
        "the pixel noise is not chosen by hand: it is the error that the model makes at the time, which balances "
        "reconstruction and KL by itself. Weights are averaged over the training, which draws steadier faces.",
        formula=OPTIMAL,
        data="FairFace: photographs with the face in the middle, balanced over seven annotated groups.",
        paper=SIGMA_PAPER,
        weight=ONE,
    ),
    "face-vae-128": RecipeNote(
        title="faces of twice the side",
        origin="This project: `face-vae` on pictures of 128 x 128.",
        words="128 latents hold about as much detail as a 64 x 64 picture shows. So encoder and decoder are those of "
        "`face-vae`, with its weights at the start, and learn on; a last step of a few convolutions enlarges the "
        "picture and adds what enlarging lacks. That costs far less than a network that looks at all pixels from the "
        "first layer. A pixel-wise loss averages out texture whose position is unknown, so skin looks smooth.",
        formula=OPTIMAL,
        data="FairFace at 128 x 128, prepared by the same command with `--size 128`.",
        paper=SIGMA_PAPER,
        weight=ONE,
    ),
    "cnn": RecipeNote(
        title="the detector alone",
        origin=f"{LAB}; trained for longer, with a falling learning rate.",
        words="Four convolutions and two dense layers answer one question: is this a face? It is what the debiasing "
        "VAE is measured against, and the judge on the Counterfactual page. It has no decoder, so it draws nothing.",
        formula=DETECTOR,
        data="FairFace as faces; pictures of object classes as what is no face, half and half in every batch.",
        paper=DEBIASING_PAPER,
    ),
    "dbvae": RecipeNote(
        title="the debiasing VAE, trained for longer",
        origin=f"{LAB}; trained for longer, on latents brought to one scale.",
        words="A detector and a VAE share one trunk. While it trains, it looks at its own latents: faces whose latents "
        "are rare are drawn more often, so that what the data hold little of is seen more. Pictures that are no faces "
        "train the detector only: the VAE's terms are multiplied by y, which is 0 for them.",
        formula=LAB_SUM,
        data="FairFace as faces; pictures of object classes as what is no face, half and half in every batch.",
        paper=DEBIASING_PAPER,
        weight=LAB_WEIGHT,
    ),
    "detector": RecipeNote(
        title="the detector for photos with many faces",
        origin="This project: what the Detect page looks for faces with.",
        words="A detector that learned from centred crops is unsure between the steps of a search, and takes an eye "
        "for a face. The same network sees every face shifted, scaled and turned here, and learns that parts of faces "
        "are none; beside them it meets thousands of squares of photos without people, among them those that another "
        "detector was wrong about.",
        formula=DETECTOR,
        data="FairFace cut anew, squares of photos without faces, and pictures of object classes.",
    ),
    "mit-vae": RecipeNote(
        title="the lab's network as a plain VAE",
        origin=LAB,
        words="The lab's encoder and decoder without the detector: four convolutions down to 100 numbers, four "
        "transposed convolutions back. Small and blurred; it shows what a VAE of under a million weights can do, and "
        "beside the debiasing one, what sharing a trunk with a detector costs.",
        formula=rf"0.0005\cdot{KL} \;+\; \tfrac1n\textstyle\sum_i |x_i - \hat x_i|",
        data="The lab takes faces of CelebA; FairFace stands in where those are not prepared.",
        paper=VAE_PAPER,
        weight=LAB_WEIGHT,
        labs_own=(("h5-64",), ("celeba-64",)),
    ),
    "mit-cnn": RecipeNote(
        title="the lab's detector, with the lab's settings",
        origin=LAB,
        words="The lab's standard classifier, with its step size and batch, on 219,828 images: two epochs of the lab's "
        "file. It finds most faces; the question of the lab is whose faces it misses.",
        formula=DETECTOR,
        data="The lab takes CelebA and ImageNet; FairFace and object classes stand in where those are not prepared.",
        paper=DEBIASING_PAPER,
        labs_own=(("h5-64",), ("celeba-64", "imagenet-64")),
    ),
    "mit-dbvae": RecipeNote(
        title="the lab's debiasing VAE, with the lab's settings",
        origin=LAB,
        words="The debiasing VAE as the lab means it: once per epoch every latent's histogram over all faces is "
        "taken, each face's rarest latent decides how often it is drawn. The lab does so before the first epoch too; "
        "here the first pass is uniform. The published PyTorch notebook multiplies y "
        "with the wrong term, and its detector never learns from what is no face; a switch repeats that mistake, so "
        "that both can be seen side by side.",
        formula=LAB_SUM,
        data="The lab takes CelebA and ImageNet; FairFace and object classes stand in where those are not prepared.",
        paper=DEBIASING_PAPER,
        labs_own=(("h5-64",), ("celeba-64", "imagenet-64")),
        weight=LAB_WEIGHT,
    ),
    "face-producer": RecipeNote(
        title="new faces from noise, the classic way",
        origin="Face producer, one of the projects that this one grew from.",
        words="The classic convolutional VAE: channels grow as the picture shrinks, 256 numbers in the middle, "
        "transposed convolutions back up. Each colour value is treated as a Bernoulli probability: not a true "
        "likelihood for continuous pixel values, but stable to train. New faces come from plain noise.",
        formula=rf"-\textstyle\sum_i \big[x_i\log \hat x_i + (1-x_i)\log(1-\hat x_i)\big] \;+\; {KL}",
        data="30,000 face pictures of 64 pixels.",
        paper=VAE_PAPER,
        weight="The cross-entropy is summed over the picture and not averaged, so the KL's weight is what it says.",
    ),
    "vgg19-transfer": RecipeNote(
        title="a VAE on features that ImageNet taught",
        origin="VGG19 transfer, one of the projects that this one grew from.",
        words="The encoder is not trained: a VGG19 that learned to tell a thousand kinds of objects looks at the face, "
        "and only the step from its features to 128 numbers, and the decoder, are learned. As the features never "
        "change, they are computed once and kept. The project asked whether the eyes come out first; on crops framed "
        "as FairFace's, the curves of each part of the face over the training show it.",
        formula=rf"\sqrt{{\textstyle\sum_i (x_i - \hat x_i)^2}} \;+\; \beta\,{KL}",
        data="FairFace, and the weights of VGG19 that torchvision publishes.",
        paper="Simonyan, Zisserman: Very Deep Convolutional Networks for Large-Scale Image Recognition (ICLR 2015)",
        weight=r"The loss is the Euclidean norm $\Vert x - \hat x\Vert$ + 0.01 KL; with the RMSE per value (111 times "
        "smaller) the same balance would be a KL weight of 0.00009, so it cannot be compared with other recipes' beta.",
    ),
    "anime": RecipeNote(
        title="any folder of small pictures",
        origin="Anime faces, one of the projects that this one grew from.",
        words="The convolutional VAE on drawings. Squared error is the likelihood of a picture under even noise. Flat "
        "colours and hard outlines are a fair test of blur: an average of two outlines is no outline.",
        formula=rf"\tfrac12\textstyle\sum_i (x_i - \hat x_i)^2 \;+\; \beta\,{KL}",
        data="Any folder of pictures, prepared under the name anime-64.",
        paper=VAE_PAPER,
        weight="Half the summed squared error is minus log likelihood at a noise of 1, less a constant. With beta 0.5 "
        "this is half of (squared error + KL).",
    ),
}


LATENTS = (
    r"**Latents.** The encoder maps a face $x$ to a Gaussian $q(z\mid x)$ with mean $\mu$ and standard deviation "
    r"$\sigma$. $z$ is the latent vector; $\mu$ usually stands for the face. The decoder draws a face from $z$."
)
WHY_A_KL = (
    r"**Why a KL.** It keeps these Gaussians near $\mathcal N(0, I)$, so that a random $z$ decodes to a face. The more "
    r"it weighs, the less $z$ can tell of each face."
)
LOSSES_IN_SHORT = (
    r"The encoder maps a face $x$ to a Gaussian $q(z\mid x)$, whose samples $z$ are latent vectors. KL keeps these "
    r"Gaussians near $\mathcal N(0, I)$, so that a random $z$ decodes to a face."
)
"""What somebody who watches the curves has to know of them."""

RARITIES: Mapping[str, str] = {
    "max": r"\max_j\, w_{ij}",
    "max5": r"\textstyle\prod_{j\in\text{ the five largest}} w_{ij}",
    "product": r"\textstyle\prod_j w_{ij}",
    "gaussian": r"\textstyle\prod_j w_{ij}",
    "tempered": r"\big(\textstyle\prod_j w_{ij}\big)^t",
}
"""How often a face is drawn, up to a factor, by each aggregation of its latents' rarities."""


def resampling_words(debias: DebiasConfig) -> str:
    """How the draw probabilities of the training faces follow from their latents, as Markdown."""
    passes = "each pass" if debias.refresh_passes == 1 else f"every {debias.refresh_passes:g} passes"
    often = f"every {debias.refresh_every:,} images" if debias.refresh_every else f"{passes} over the faces"
    power = ", and $t$ keeps the wished share of them effective" if debias.aggregation == "tempered" else ""
    return (
        rf"**Resampling.** After {often}, a histogram of every latent is taken over all training faces, and face $i$ "
        rf"is drawn with probability $p_i \propto {RARITIES[debias.aggregation]}$, where "
        rf"$w_{{ij}} \propto 1/(\mathrm{{density}}_j(\mu_{{ij}}) + \alpha)$ is scaled to sum to 1 over the "
        rf"faces{power}. So a face in a thinly filled bin is drawn more often; a smaller $\alpha$ debiases harder. "
        r"Until the first resampling all faces are drawn alike."
    )


def how_it_works(config: TrainConfig) -> list[str]:
    """What a training with these settings does, for somebody who meets it for the first time: Markdown paragraphs."""
    told = []
    if config.has_decoder and not config.loss.is_deterministic:
        told += [LATENTS, WHY_A_KL]
    if config.debias.aggregation != "none":
        told.append(resampling_words(config.debias))
    return told


@dataclass(frozen=True)
class Origin:
    """Where the pictures of a data set come from.

    Attributes:
        words: what they are, and how many where that is known.
        licence: under what terms; empty where they are those of what it is made from, or one's own pictures.
        home: public address; empty where there is none.
    """

    words: str
    licence: str = ""
    home: str = ""

    @property
    def line(self) -> str:
        """All of it in a line of Markdown."""
        terms = f" Terms: {self.licence}." if self.licence else ""
        return f"{self.words}{terms}" + (f" Get it at {self.home}" if self.home else "")


IMAGENET_TERMS = "ImageNet's, non-commercial research and education"
FAIRFACE = Origin(
    "FairFace: 97,698 photographs of faces with age, gender and race labels.",
    "CC BY 4.0",
    "https://github.com/joojs/fairface",
)
ORIGINS: Mapping[str, Origin] = {
    "synthetic-64": Origin("10,000 pictures that the program draws itself. No download."),
    "fairface-64": FAIRFACE,
    "fairface-128": FAIRFACE,
    "nonfaces-64": Origin(
        "tiny-imagenet: pictures of object classes.",
        IMAGENET_TERMS,
        "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
    ),
    "cuts-64": Origin("Cut from fairface-128: prepare that first."),
    "laid-64": Origin(
        "Faces of fairface-128, to be prepared first, laid into photos without people: any folder of your own."
    ),
    "squares-64": Origin("Cut from nonfaces-64: prepare that first."),
    "windows-64": Origin("Squares of photos without people: any folder of your own."),
    "anime-64": Origin("Any folder of pictures of your own."),
    "celeba-64": Origin(
        "CelebA: 202,599 aligned faces of celebrities.",
        "non-commercial research",
        "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
    ),
    "imagenet-64": Origin("ImageNet: pictures of object classes.", IMAGENET_TERMS, "https://www.image-net.org"),
    "h5-64": Origin(
        "The lab's own `train_face.h5`: 109,914 pictures, faces of CelebA and objects of ImageNet, half and half.",
        "those of CelebA and ImageNet, non-commercial research",
        "https://github.com/MITDeepLearning/introtodeeplearning (lab 2)",
    ),
}
"""Where each data set that a recipe names is to be had."""


PREPARING: Mapping[str, str] = {
    "synthetic-64": "python -m vaelab data prepare synthetic",
    "fairface-64": "python -m vaelab data prepare fairface --root ~/fairface --name fairface-64",
    "fairface-128": "python -m vaelab data prepare fairface --root ~/fairface --size 128 --name fairface-128",
    "nonfaces-64": "python -m vaelab data prepare class-folders --root ~/tiny-imagenet/train --name nonfaces-64",
    "cuts-64": "python -m vaelab data prepare cuts --root data/fairface-128 --name cuts-64",
    "laid-64": "python -m vaelab data prepare laid --root data/fairface-128 --photos ~/photos-without-faces "
    "--name laid-64",
    "squares-64": "python -m vaelab data prepare cuts --root data/nonfaces-64 --turn 0 --name squares-64",
    "windows-64": "python -m vaelab data prepare windows --root ~/photos-without-faces --name windows-64",
    "anime-64": "python -m vaelab data prepare folder --root ~/anime-faces --name anime-64",
    "h5-64": "python -m vaelab data prepare h5 --root ~/train_face.h5 --name h5-64",
    "celeba-64": "python -m vaelab data prepare celeba --root ~/celeba --name celeba-64",
    "imagenet-64": "python -m vaelab data prepare class-folders --root ~/imagenet/train --name imagenet-64",
}
"""The command that prepares each data set that a recipe names; the folder is where its pictures lie.

As in the README, which also leaves out photos with people where a folder has some (`--leave-out`), and adds squares
that a detector was wrong about (`--mined`, a table that `detect --csv` writes).
"""


def origin_line(name: str) -> str:
    """Where the pictures of the data set `name` come from; empty for one that no recipe names."""
    return ORIGINS[name].line if name in ORIGINS else ""


def preparing_command(name: str) -> str:
    """The command that prepares the data set `name`; for an unknown one, that of any folder of pictures."""
    return PREPARING.get(name, f"python -m vaelab data prepare folder --root ~/pictures --name {name}")
