"""One step's loss: the lab's formula in our unit, and which pictures reach which part of the network."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils._python_dispatch import TorchDispatchMode

from vaelab.config import TrainConfig, replace
from vaelab.errors import ConfigError
from vaelab.losses import LIKELIHOODS, charged_kl
from vaelab.models import build_model
from vaelab.models.lab import Classifier, DebiasingVAE
from vaelab.models.network import Encoding
from vaelab.objectives.perceptual import PerceptualDistance
from vaelab.recipes import LAB_BETA, LAB_CLASSIFIER_WEIGHT
from vaelab.rng import generator
from vaelab.settings import RunConfig
from vaelab.training.step import Averages, Objective, evaluating, pick_device, pick_precision

LATENT, BATCH, NUM_FACES = 4, 10, 6


def objective(size: int = 16, **settings: object) -> Objective:
    config = replace(TrainConfig(), **({"model": "dbvae", "latent": LATENT, "size": size, "width": 2} | settings))
    return Objective(build_model(config), config.loss)


def batch(size: int = 16) -> tuple[Tensor, Tensor]:
    images = torch.rand(BATCH, 3, size, size, generator=generator(0, "images"))
    return images, torch.randn(NUM_FACES, LATENT, generator=generator(0, "eps"))


def test_the_lab_is_ours_times_the_number_of_values() -> None:
    """beta 6.144 and a classifier weight of 12,288 stand for the lab's 0.0005 and 1."""
    ours = objective(64, likelihood="laplace", beta=LAB_BETA, classifier_weight=LAB_CLASSIFIER_WEIGHT)
    images, eps = batch(64)
    parts = ours(images, NUM_FACES, eps, torch.tensor(LAB_BETA))

    is_face = (torch.arange(BATCH) < NUM_FACES).float()
    encoding = ours.network.encode(images)
    assert encoding.posterior is not None
    assert encoding.face_logit is not None
    mu, logvar = encoding.posterior.mu, encoding.posterior.logvar
    z = mu + torch.exp(logvar / 2) * torch.cat([eps, torch.zeros(BATCH - NUM_FACES, LATENT)])
    kl = 0.5 * (logvar.exp() + mu**2 - 1 - logvar).sum(1)
    distance = (images - ours.network.decode(z)).abs().mean((1, 2, 3))
    cross_entropy = F.binary_cross_entropy_with_logits(encoding.face_logit, is_face, reduction="none")
    lab = (cross_entropy + is_face * (0.0005 * kl + distance)).mean()

    num_values = 3 * 64 * 64
    constant = NUM_FACES / BATCH * num_values * torch.log(torch.tensor(2.0))  # of the Laplace density
    torch.testing.assert_close(parts.loss - constant, num_values * lab, rtol=1e-4, atol=0.5)


@pytest.mark.parametrize("model", ["vae", "dbvae", "residual"])
@pytest.mark.parametrize("likelihood", [name for name in LIKELIHOODS if name != "optimal-gaussian"])
def test_the_loss_is_a_loop_over_pictures(model: str, likelihood: str) -> None:
    """In evaluation mode, where batch norm does not mix the pictures."""
    ours = objective(model=model, likelihood=likelihood, classifier_weight=3.0, free_bits=0.1).eval()
    images, eps = batch()
    num_faces = NUM_FACES if model == "dbvae" else BATCH
    eps = torch.cat([eps, eps])[:num_faces]
    beta = torch.tensor(0.7)
    parts = ours(images, num_faces, eps, beta)
    total = torch.zeros(())
    for index in range(BATCH):
        encoding = ours.network.encode(images[index : index + 1])
        if encoding.face_logit is not None:
            target = torch.tensor([float(index < num_faces)])
            total += 3.0 * F.binary_cross_entropy_with_logits(encoding.face_logit, target)
        if index < num_faces:
            assert encoding.posterior is not None
            decoded = ours.network.decode(encoding.posterior.sample(eps[index : index + 1]))
            total += LIKELIHOODS[likelihood].nll(decoded, images[index : index + 1])[0]
            total += beta * charged_kl(encoding.posterior, 0.1)[0]
    torch.testing.assert_close(parts.loss, total / BATCH, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("model", ["cnn", "vae", "dbvae", "residual"])
def test_every_part_is_one_number_per_picture(model: str) -> None:
    ours = objective(model=model)
    images, eps = batch()
    detects, decodes = ours.network.has_detector, ours.network.has_decoder
    num_faces = NUM_FACES if detects else BATCH
    parts = ours(images, num_faces, torch.cat([eps, eps])[:num_faces] if decodes else None, torch.tensor(1.0))
    assert parts.loss.shape == ()
    for part in (parts.recon_loss, parts.kl, parts.neg_elbo):
        assert (part is not None) == decodes
        assert part is None or part.shape == (num_faces,)
    assert (parts.classification_loss is not None) == detects
    assert parts.classification_loss is None or parts.classification_loss.shape == (BATCH,)
    assert parts.kl_per_dim is None or parts.kl_per_dim.shape == (LATENT,)


def test_non_faces_give_the_decoder_and_the_posterior_no_gradient() -> None:
    ours = objective(classifier_weight=0.0).eval()
    images, eps = batch()
    images.requires_grad_()
    ours(images, NUM_FACES, eps, torch.tensor(1.0)).loss.backward()
    assert images.grad is not None
    per_picture = images.grad.flatten(1).abs().sum(1)
    assert (per_picture[:NUM_FACES] > 0).all()
    assert (per_picture[NUM_FACES:] == 0).all()


def test_the_decoder_learns_nothing_from_non_faces() -> None:
    ours = objective().eval()
    network = ours.network
    assert isinstance(network, DebiasingVAE)
    images, eps = batch()
    others = torch.cat([images[:NUM_FACES], 1 - images[NUM_FACES:]])
    gradients = [
        torch.autograd.grad(ours(some, NUM_FACES, eps, torch.tensor(1.0)).loss, list(network.decoder.parameters()))
        for some in (images, others)
    ]
    for first, second in zip(*gradients, strict=True):
        torch.testing.assert_close(first, second, rtol=1e-5, atol=1e-5)


def test_a_batch_of_non_faces_alone_moves_the_logit_and_nothing_of_the_vae() -> None:
    ours = objective()
    network = ours.network
    assert isinstance(network, DebiasingVAE)
    images, _ = batch()
    ours(images, 0, None, torch.tensor(1.0)).loss.backward()
    assert all(parameter.grad is None for parameter in network.decoder.parameters())
    head = network.trunk[-1]
    assert isinstance(head, nn.Linear)
    assert head.weight.grad is not None
    assert head.weight.grad[0].abs().max() > 0  # the logit's row
    assert (head.weight.grad[1:] == 0).all()  # the posterior's rows


def test_beta_weighs_the_kl_and_nothing_else() -> None:
    ours = objective(classifier_weight=0.0)
    images, eps = batch()
    ours.eval()
    plain, heavy = (ours(images, NUM_FACES, eps, torch.tensor(beta)) for beta in (0.0, 1e6))
    torch.testing.assert_close(heavy.loss - plain.loss, 1e6 * plain.kl.sum() / BATCH, rtol=1e-3, atol=0.0)
    assert torch.equal(heavy.recon_loss, plain.recon_loss)


def logit_gradients(mask: str) -> Tensor:
    """How the loss moves with each picture's logit, by a network whose logits are free numbers."""
    ours = objective(mask=mask, classifier_weight=5.0).eval()
    images, eps = batch()
    if mask == "as-published":
        eps = torch.randn(BATCH, LATENT, generator=generator(0, "eps of all"))
    logits = torch.zeros(BATCH, requires_grad=True)
    posterior = ours.network.encode(images).posterior
    ours.network.encode = lambda _: Encoding(logits, posterior)  # type: ignore[method-assign]
    (gradient,) = torch.autograd.grad(ours(images, NUM_FACES, eps, torch.tensor(1.0)).loss, logits)
    return gradient


def test_as_published_negatives_move_no_logit_and_as_intended_they_do() -> None:
    published, intended = logit_gradients("as-published"), logit_gradients("faces-only")
    assert (published[NUM_FACES:] == 0).all()
    assert (intended[NUM_FACES:] > 0).all()
    assert torch.equal(published[:NUM_FACES], intended[:NUM_FACES])
    assert (published[:NUM_FACES] < 0).all()


def test_as_published_is_the_notebooks_formula() -> None:
    """mean(is_face * L_y + L_VAE), each part in nats."""
    ours = objective(mask="as-published", classifier_weight=5.0, likelihood="laplace").eval()
    images, _ = batch()
    eps = torch.randn(BATCH, LATENT, generator=generator(0, "eps of all"))
    parts = ours(images, NUM_FACES, eps, torch.tensor(0.7))
    encoding = ours.network.encode(images)
    assert encoding.posterior is not None
    assert encoding.face_logit is not None
    is_face = (torch.arange(BATCH) < NUM_FACES).float()
    cross_entropy = F.binary_cross_entropy_with_logits(encoding.face_logit, is_face, reduction="none")
    decoded = ours.network.decode(encoding.posterior.sample(eps))
    vae = LIKELIHOODS["laplace"].nll(decoded, images) + 0.7 * encoding.posterior.kl()
    torch.testing.assert_close(parts.loss, (is_face * 5.0 * cross_entropy + vae).mean())
    assert parts.recon_loss.shape == parts.kl.shape == (NUM_FACES,)  # the records stay those of faces


@pytest.mark.parametrize("kind", ["wae-mmd", "rae"])
@pytest.mark.parametrize("model", ["vae", "residual", "convolutional", "dbvae"])
def test_a_deterministic_network_draws_from_mu_and_reports_no_kl(kind: str, model: str) -> None:
    ours = objective(model=model, objective=kind).eval()
    images, eps = batch()
    posterior = ours.network.encode(images).posterior
    assert posterior is not None
    assert posterior.std.max() < 1e-4
    parts = ours(images, NUM_FACES, eps, torch.tensor(1.0))
    again = ours(images, NUM_FACES, eps + 1, torch.tensor(1.0))
    assert torch.equal(parts.recon_loss, again.recon_loss)
    assert parts.kl is None
    assert parts.neg_elbo is None


def test_the_decoders_weights_alone_are_held() -> None:
    plain, held = (objective(model="vae", objective="rae", decoder_decay=decay) for decay in (0.0, 0.5))
    images, eps = batch()
    gradients = []
    for ours in (plain, held):
        ours.eval()(images[:NUM_FACES], NUM_FACES, eps, torch.tensor(1.0)).loss.backward()
        gradients.append({name: parameter.grad.clone() for name, parameter in ours.network.named_parameters()})
    for name, parameter in held.network.named_parameters():
        extra = 0.5 * parameter.detach() if name.startswith("decoder") else torch.zeros_like(parameter)
        torch.testing.assert_close(gradients[1][name] - gradients[0][name], extra, rtol=1e-3, atol=1e-3)


def test_features_that_are_weighed_must_be_given_and_are_no_part_of_what_is_saved() -> None:
    settings = {"model": "vae", "size": 64, "perceptual_weight": 0.5}
    with pytest.raises(ConfigError, match="no detector's features"):
        objective(**settings)
    config = replace(TrainConfig(), latent=LATENT, **settings)
    detector = build_model(replace(config, model="cnn", perceptual_weight=0.0))
    assert isinstance(detector, Classifier)
    network = build_model(config)
    ours = Objective(network, config.loss, PerceptualDistance.of(detector)).eval()
    plain = Objective(network, replace(config, perceptual_weight=0.0).loss).eval()
    images, eps = batch(64)
    some = images[:NUM_FACES]
    with_features, without = (each(some, NUM_FACES, eps, torch.tensor(1.0)) for each in (ours, plain))
    torch.testing.assert_close(
        with_features.loss - without.loss, 0.5 * with_features.terms["perceptual_loss"].mean(), rtol=1e-3, atol=0.05
    )
    assert ours.state_dict().keys() == plain.state_dict().keys()


def test_evaluation_mode_ends_with_its_context_even_after_an_error() -> None:
    module = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 1))
    for mode in (True, False):
        module.train(mode)
        with evaluating(module):
            assert not any(part.training for part in module.modules())
            assert not module(torch.ones(2, 2)).requires_grad
        assert all(part.training is mode for part in module.modules())
        with pytest.raises(RuntimeError, match="shapes"), evaluating(module):
            module(torch.ones(2, 2)) @ torch.ones(7, 7)
        assert all(part.training is mode for part in module.modules())


def moving(ours: Objective, moves: int) -> Iterator[Objective]:
    """`ours`, its weights and its statistics moved a little, again and again."""
    noise = generator(0, "moves")
    for _ in range(moves):
        with torch.no_grad():
            for tensor in ours.state_dict().values():
                tensor += torch.randn(tensor.shape, generator=noise).to(tensor.dtype)
        yield ours


def test_averages_are_torchs_to_the_last_bit_and_load_its_states() -> None:
    ours = objective(model="dbvae")
    assert any(name.endswith("running_mean") for name in ours.state_dict())
    averages = Averages(ours, 0.9)
    known = AveragedModel(ours, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    for moved in moving(ours, 3):
        averages.follow(moved)
        known.update_parameters(moved)
    resumed = Averages(ours, 0.9)
    resumed.load_state_dict(known.state_dict())
    for moved in moving(ours, 2):
        averages.follow(moved)
        known.update_parameters(moved)
        resumed.follow(moved)
    expected = known.state_dict()
    for found in (averages.state_dict(), resumed.state_dict()):
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())
    assert all(parameter.grad_fn is None for parameter in averages.parameters())


class Copies(TorchDispatchMode):
    """Counts what moves to another device."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), named: Any = None) -> Any:
        self.count += function is torch.ops.aten._to_copy.default
        return function(*arguments, **(named or {}))


def test_averages_move_nothing_to_the_device_which_would_be_waited_for() -> None:
    ours = objective(model="dbvae").to("meta")
    counts = []
    for averages in (
        Averages(ours, 0.9).follow,
        AveragedModel(ours, multi_avg_fn=get_ema_multi_avg_fn(0.9)).update_parameters,
    ):
        averages(ours)
        with Copies() as copies:
            averages(ours)
        counts.append(copies.count)
    assert counts == [0, 1]


def test_auto_takes_a_device_that_is_there() -> None:
    assert torch.zeros(1, device=pick_device("auto")).isfinite()
    assert pick_device("cpu").type == "cpu"


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="this machine has the device that the test lacks")
def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="device is mps"):
        pick_device("mps")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Callable[[tuple[int, int]], None]:
    """`gpu((7, 5))` puts in a GPU of that compute capability, beside a torch compiled for those since Turing."""

    def put_in(capability: tuple[int, int]) -> None:
        monkeypatch.setattr(torch.version, "cuda", "13.2")
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA Titan")
        monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_75", "sm_80", "sm_86", "sm_90a", "compute_120"])
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)

    return put_in


@pytest.mark.parametrize("capability", [(7, 5), (8, 0), (8, 9), (9, 0), (12, 0), (13, 1)])
def test_a_gpu_that_torch_has_code_for_is_taken(
    gpu: Callable[[tuple[int, int]], None], capability: tuple[int, int]
) -> None:
    gpu(capability)
    assert pick_device("auto").type == pick_device("cuda").type == "cuda"


@pytest.mark.parametrize("capability", [(6, 1), (7, 0), (10, 0)])
def test_a_gpu_that_torch_has_no_code_for_is_passed_by_or_refused(
    gpu: Callable[[tuple[int, int]], None], capability: tuple[int, int]
) -> None:
    gpu(capability)
    assert pick_device("auto").type == "cpu"
    with pytest.raises(ConfigError, match=r"no code for NVIDIA Titan: take auto or cpu, or install"):
        pick_device("cuda")


def test_a_gpu_of_amd_is_not_asked_for_code_of_nvidia(
    gpu: Callable[[tuple[int, int]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu((6, 1))
    monkeypatch.setattr(torch.version, "cuda", None)
    assert pick_device("auto").type == "cuda"


@pytest.mark.parametrize("native", [True, False])
def test_a_gpu_computes_in_bfloat16_where_it_does_so_itself(monkeypatch: pytest.MonkeyPatch, native: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation or native)
    assert pick_precision(RunConfig(), torch.device("cuda")) == (torch.bfloat16 if native else torch.float32)


def test_precision_is_as_set() -> None:
    cpu = torch.device("cpu")
    assert pick_precision(RunConfig(precision="bfloat16"), cpu) == torch.bfloat16
    assert pick_precision(RunConfig(precision="float32"), cpu) == torch.float32
    assert pick_precision(RunConfig(), cpu) in (torch.bfloat16, torch.float32)


def test_a_trained_recipe_builds_its_objective(tiny_config: Callable[..., TrainConfig]) -> None:
    config = tiny_config(model="vae", likelihood="optimal-gaussian")
    images, _ = batch()
    eps = torch.zeros(BATCH, LATENT)
    parts = Objective(build_model(config), config.loss)(images, BATCH, eps, torch.tensor(1.0))
    torch.testing.assert_close(parts.loss, parts.neg_elbo.mean())  # at beta 1, minus the evidence lower bound
