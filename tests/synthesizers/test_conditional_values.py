"""What rows look like under a condition, by numbers that are worked out by hand from a table whose shares are exact."""

from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import norm

from lookalike.registry import resolve
from lookalike.synthesizers.forest.draw import forbid_copies

pytestmark = pytest.mark.filterwarnings("ignore:no level of")  # of private methods

# Of 200 rows: (north, wet) 40, (north, dry) 10, (south, wet) 20, (south, dry) 130; ten times over.
COUNTS = {("north", "wet"): 40, ("north", "dry"): 10, ("south", "wet"): 20, ("south", "dry"): 130}
DRAWN = 3000
# four standard deviations of a share of 3,000 rows are .037; the rest is what a method may smooth
NEAR = 0.05
JOINT = {
    "forest": {},
    "cart": {},
    "arf": {"trees": 10, "rounds": 4},
    "bayes_net": {},
    "smote": {},
    "mst": {"epsilon": 200.0, "noise": "seeded"},
    "aim": {"epsilon": 200.0, "noise": "seeded"},
}


def table():
    place, sky = zip(*(pair for pair, count in COUNTS.items() for _ in range(10 * count)), strict=True)
    order = np.random.default_rng(0).permutation(len(place))
    return pa.table({"place": place, "sky": sky}).take(pa.array(order))


@cache
def learned(kind):
    fields = JOINT.get(kind, {})
    return resolve("synthesizer", kind).model_validate(fields).fit(table(), seed=1)


def share(kind, name, value, **given):
    """The share of a value in the rows that a method draws under a condition."""
    drawn = learned(kind).sample(DRAWN, given=given, seed=2)
    return np.mean([each == value for each in drawn[name].to_pylist()])


@pytest.mark.parametrize("kind", JOINT)
def test_shares_under_a_condition_are_those_of_the_table(kind):
    """40 of the 50 rows in the north are wet, 20 of the 150 in the south; a set of both values is no condition."""
    assert share(kind, "sky", "wet", place="north") == pytest.approx(0.8, abs=NEAR)
    assert share(kind, "sky", "wet", place="south") == pytest.approx(20 / 150, abs=NEAR)
    assert share(kind, "sky", "wet", place=["north", "south"]) == pytest.approx(0.3, abs=NEAR)


@pytest.mark.parametrize("kind", JOINT)
def test_a_condition_on_either_column_turns_the_shares_round(kind):
    """Whatever is drawn first: 40 of the 60 wet rows are in the north, 10 of the 140 dry ones (Bayes)."""
    assert share(kind, "place", "north", sky="wet") == pytest.approx(40 / 60, abs=NEAR)
    assert share(kind, "place", "north", sky="dry") == pytest.approx(10 / 140, abs=NEAR)


@pytest.mark.parametrize("kind", JOINT)
def test_shares_that_are_asked_for_mix_their_conditionals(kind):
    """Three quarters from the north: .75 x .8 + .25 x 20/150 = .633 of the rows are wet."""
    drawn = learned(kind).sample(DRAWN, given={"place": {"shares": {"north": 0.75, "south": 0.25}}}, seed=2)
    assert drawn["place"].to_pylist().count("north") == 2250
    wet = np.mean([sky == "wet" for sky in drawn["sky"].to_pylist()])
    assert wet == pytest.approx(0.75 * 0.8 + 0.25 * 20 / 150, abs=NEAR)


def test_independent_columns_do_not_follow_a_condition():
    """60 of 200 rows are wet, wherever they are."""
    assert share("independent", "sky", "wet", place="north") == pytest.approx(0.3, abs=NEAR)


@cache
def bivariate(kind, rho=0.6):
    """Two standard normal columns with this correlation, learned."""
    g = np.random.default_rng(3)
    x = norm.ppf((np.arange(4000) + 0.5) / 4000)  # exactly normal
    g.shuffle(x)
    y = rho * x + np.sqrt(1 - rho**2) * g.normal(size=4000)
    return resolve("synthesizer", kind).model_validate(JOINT.get(kind, {})).fit(pa.table({"x": x, "y": y}), seed=1)


@pytest.mark.parametrize("kind", ["forest", "copula", "smote"])
def test_a_range_moves_the_mean_as_the_normal_distribution_says(kind):
    """E[x | x > 1] is phi(1) / (1 - Phi(1)) = 1.525, and E[y | x > 1] is .6 of it."""
    drawn = bivariate(kind).sample(DRAWN, given={"x": {"min": 1.0}}, seed=2)
    above = norm.pdf(1) / norm.sf(1)
    assert np.mean(drawn["x"].to_numpy()) == pytest.approx(above, abs=0.06)
    assert np.mean(drawn["y"].to_numpy()) == pytest.approx(0.6 * above, abs=0.13)
    assert np.std(drawn["y"].to_numpy()) == pytest.approx(np.sqrt(1 - 0.36 * above * (above - 1)), abs=0.08)


@pytest.mark.parametrize(("kind", "near"), [("copula", 0.06), ("cart", 0.08), ("smote", 0.06), ("forest", 0.13)])
def test_rows_under_a_condition_are_the_rows_that_hold_it(kind, near):
    """Whichever column is drawn first, the other's mean is that of unconditional rows that happen to hold the condition."""
    free = bivariate(kind).sample(20_000, seed=5)
    x, y = free["x"].to_numpy(), free["y"].to_numpy()
    for name, other, limit, rows in (("y", "x", {"max": -1.0}, x[y <= -1]), ("x", "y", {"min": 1.0}, y[x >= 1])):
        drawn = bivariate(kind).sample(DRAWN, given={name: limit}, seed=2)[other].to_numpy()
        assert drawn.mean() == pytest.approx(rows.mean(), abs=near)
        assert drawn.std() == pytest.approx(rows.std(), abs=near)


def test_the_copula_is_exact_where_it_should_be():
    """Given x = 1 the Gaussian copula draws y from N(.6, .8)."""
    near = bivariate("copula").sample(DRAWN, given={"x": {"min": 0.97, "max": 1.03}}, seed=2)["y"].to_numpy()
    assert near.mean() == pytest.approx(0.6, abs=0.07)
    assert near.std() == pytest.approx(0.8, abs=0.06)


def test_copies_weigh_less_and_still_by_their_weight():
    """Of ten rows three may be copies: the copies' share of the weight becomes .3, and one stays twice as likely as another."""
    weights, copies = np.array([2.0, 1.0, 1.0, *[0.2] * 20]), np.arange(23) < 3
    forbid_copies(weights, copies, 3, 10)
    assert weights[:3].sum() / weights.sum() == pytest.approx(0.3)
    assert weights[0] == pytest.approx(2 * weights[1])
    assert weights[3:].tolist() == [0.2] * 20


def test_copies_fill_what_others_leave_and_none_are_kept_where_none_may_be():
    """With five other rows for ten places the copies' share is a half; where all are copies nothing changes; none allowed: 0."""
    weights = np.array([*[4.0] * 10, *[1.0] * 5])
    forbid_copies(weights, np.arange(15) < 10, 0, 10)
    assert weights[:10].sum() / weights.sum() == pytest.approx(0.5)
    alone = np.array([1.0, 2.0, 3.0])
    forbid_copies(alone, np.ones(3, bool), 0, 2)
    assert alone.tolist() == [1, 2, 3]
    many = np.ones(40)
    forbid_copies(many, np.arange(40) < 4, 0, 10)
    assert many.tolist() == [0] * 4 + [1] * 36
