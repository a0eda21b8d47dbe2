"""Networks keep the epsilon that they are trained under, and say what it was spent on."""

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import beta

from lookalike.errors import NotFitted, SynthesizerError
from lookalike.registry import resolve
from lookalike.schema.infer import infer
from lookalike.synthesizers.methods import nets
from lookalike.synthesizers.methods.autoregressive import Autoregressive
from lookalike.synthesizers.private import sgd as private_sgd
from lookalike.synthesizers.private.ledger import Ledger
from lookalike.synthesizers.private.sgd import Clipped, Privacy, epsilon_of_steps, noise_for
from lookalike.testing.synthesizers import example

pytestmark = [pytest.mark.deep, pytest.mark.filterwarnings("ignore:no level of")]
torch = pytest.importorskip("torch")
pytest.importorskip("opacus")


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")  # Opacus' own
def test_gradients_are_those_of_opacus():
    """Each row's gradient, cut and added up, equals what Opacus makes by building all of them."""
    from opacus import GradSampleModule

    with nets.seeded(0):
        net, rows = nets.perceptron(torch, [5, 8, 8, 3]), torch.randn(20, 5)

    def loss():
        return (net(rows) ** 2).sum(dim=1)

    Clipped(torch, [net], 0.7).backward(loss)
    ours = [weight.grad.clone() for weight in net.parameters()]
    GradSampleModule(net, loss_reduction="sum")
    loss().sum().backward()
    single = [weight.grad_sample for weight in net.parameters()]
    lengths = torch.stack([part.flatten(1).norm(dim=1) for part in single]).norm(dim=0)
    cut = (0.7 / lengths).clamp(max=1)
    for part, mine in zip(single, ours, strict=True):
        assert torch.allclose(torch.einsum("i,i...->...", cut, part), mine, atol=1e-5)


def test_one_row_moves_the_gradient_by_at_most_the_clip():
    """However wild a row is, with and without it the summed gradients differ by no more than `clip`."""
    with nets.seeded(1):
        net, rows = nets.perceptron(torch, [4, 6, 2]), torch.randn(9, 4)
    rows[3] *= 1e6
    both = []
    for kept in (rows, torch.cat([rows[:3], rows[4:]])):
        Clipped(torch, [net], 0.5).backward(lambda kept=kept: net(kept).pow(2).sum(dim=1))
        both.append(torch.cat([weight.grad.flatten() for weight in net.parameters()]))
    assert (both[0] - both[1]).norm() <= 0.5 * 1.0001


def test_layers_without_a_known_length_are_refused():
    """A network whose rows cannot be clipped is not trained at all."""
    with pytest.raises(SynthesizerError, match="not linear"):
        Clipped(torch, [torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.LayerNorm(3))], 1.0)


def test_noise_is_the_least_that_keeps_epsilon():
    """The multiplier keeps epsilon with the domain's share in it; a little less noise would not."""
    ledger = Ledger(1.0, 5e-7)
    ledger.spend("domain", 0.004)
    sigma = noise_for(1.0, ledger, 0.05, 400)
    assert epsilon_of_steps(ledger, 0.05, sigma, 400) <= 1.0
    assert epsilon_of_steps(ledger, 0.05, 0.99 * sigma, 400) > 1.0
    assert noise_for(1.0, Ledger(1.0, 5e-7), 0.05, 400) < sigma


def test_the_accountant_agrees_with_a_single_gaussian():
    """One step on all rows is the Gaussian mechanism: rho = 1 / (2 sigma^2)."""
    one = epsilon_of_steps(Ledger(1.0, 1e-6), 1.0, 5.0, 1)
    ledger = Ledger(1.0, 1e-6)
    ledger.spend("the same", 1 / (2 * 25.0))
    assert one == pytest.approx(epsilon_of_steps(ledger, 0.5, 5.0, 0), rel=1e-6)
    assert ledger.epsilon <= one <= 1.1 * ledger.epsilon


@pytest.mark.parametrize("kind", ["autoregressive", "tvae"])
def test_the_ledger_holds_domain_and_training(kind, tmp_path):
    """Everything that was spent is written down, is no more than was asked for, and is saved."""
    spec = {"epochs": 3, "width": 16, "batch": 64, "privacy": {"epsilon": 2.0, "noise": "seeded"}}
    model = resolve("synthesizer", kind).model_validate(spec).fit(example(300))
    ledger = model.ledger_
    assert ledger["epsilon"] <= 2.0 + 1e-9
    assert ledger["epsilon"] == pytest.approx(2.0, rel=0.01)
    assert {entry["what"].split()[0] for entry in ledger["entries"]} == {"domain", "14"}
    again = type(model).load(model.save(tmp_path / "m"))
    assert again.ledger_ == ledger
    assert again.sample(20, seed=3).equals(model.sample(20, seed=3))


def test_nothing_real_is_kept_undeclared():
    """Rare levels and exact ends of numbers do not reach a private network's model."""
    table = pa.table({"city": ["Oslo"] * 500 + ["Atlantis"], "x": [*np.linspace(0, 10, 500).tolist(), 31337.25]})
    model = Autoregressive(epochs=1, width=8, privacy=Privacy(epsilon=4.0, noise="seeded")).fit(table)
    kept = str(model._state()) + str(model.schema_.dump())
    assert "Oslo" in kept
    assert "Atlantis" not in kept
    assert "31337" not in kept


def test_noise_is_not_a_function_of_the_seed():
    """Two private fits with one seed differ."""
    one, two = (Autoregressive(epochs=1, width=8, privacy=Privacy()).fit(example(100), seed=1).sample(50) for _ in range(2))
    assert not one.equals(two)


def test_only_private_models_have_a_ledger():
    """A network that was trained without a promise says so."""
    with pytest.raises(NotFitted, match="no promise"):
        _ = Autoregressive(epochs=1, width=8).fit(example(60)).ledger_


def test_declared_columns_must_exist():
    """A typing error in `levels` is not taken for a declaration."""
    with pytest.raises(SynthesizerError, match=r"does not have: .*sise"):
        Autoregressive(privacy=Privacy(levels={"sise": ("a",)})).fit(example(60))


def shown(kind, epsilon, trials, *, cheat):
    """Epsilon that an attacker shows who sees the released rows' source: the network's chance of the one odd row's value."""
    honest, sigma = private_sgd.noise_for, private_sgd.noise_for(epsilon, Ledger(1.0, 5e-6), 1.0, 2)
    private_sgd.noise_for = lambda *args: sigma / cheat
    seen = []
    try:
        for values in (["a", "b"], ["a"]):  # without the odd row every step leans to "a"
            table, shares = pa.table({"v": values}), []
            schema = infer(pa.table({"v": ["a", "b", "a", "b", "a", "b"]}))
            for seed in range(trials):
                asked = Privacy(epsilon=epsilon, delta=1e-5, levels={"v": ("a", "b")}, noise="seeded")
                spec = {"epochs": 2, "width": 8, "batch": 8, "learning_rate": 1.0}
                model = resolve("synthesizer", kind).model_validate({**spec, "privacy": asked.model_dump()})
                model.fit(table, schema, seed=seed)
                shares.append(_leaning(model))
            seen.append(np.array(shares))
    finally:
        private_sgd.noise_for = honest
    with_row, without = seen
    best = 0.0
    for cut in np.quantile(without, [0.5, 0.8, 0.9, 0.95]):
        true, false = int((with_row > cut).sum()), int((without > cut).sum())
        least = beta.ppf(0.025, true, trials - true + 1) if true else 0.0
        best = max(best, float(np.log(max(least - 1e-5, 1e-12) / beta.ppf(0.975, false + 1, trials - false))))
    return best


def _leaning(model):
    """How much the last layer leans to the second value: the bias that only rows with it push up."""
    last = max(name for name in model._model.arrays if name.startswith("net/") and name.endswith("bias"))
    bias = model._model.arrays[last]
    return float(bias[1] - bias[0])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["autoregressive", "tvae"])
def test_an_attacker_measures_less_than_epsilon(kind):
    """Hundreds of fits with and without one row show less than the claimed epsilon; with hardly any noise they show more."""
    assert shown(kind, 1.0, 300, cheat=1.0) <= 1.0
    assert shown(kind, 1.0, 250, cheat=100.0) > 1.0
