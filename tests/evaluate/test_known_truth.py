"""What must come out when the truth is known."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from lookalike.evaluate.evaluate import evaluate

QUICK = "statistics,c2st,coverage,tstr,augmentation_lift,fairness"


@pytest.fixture(scope="module")
def of_good(real, good, holdout):
    return evaluate(real, good, holdout=holdout, target="churn", protected=["sex"], only=QUICK)


@pytest.fixture(scope="module")
def of_independent(real, independent, holdout):
    return evaluate(real, independent, holdout=holdout, target="churn", only=QUICK)


@pytest.mark.slow
def test_fresh_rows_pass_everything(of_good):
    """Fresh rows of the same population pass every gate, and are worth what a holdout is worth."""
    assert [o.text for o in of_good.outcomes if o.status == "fail"] == []
    assert set(of_good.verdicts.values()) == {"pass"}
    for name in ("marginals", "pairs", "triples", "dependence", "coverage", "tstr"):
        result = of_good[name]
        assert result.value == pytest.approx(result.ceiling, abs=0.03), name
    assert of_good["c2st"].value < 0.54


@pytest.mark.slow
def test_independent_columns_fail_the_discriminator_and_pass_marginals(of_independent):
    """Columns shuffled by themselves have perfect marginals, no dependence, and are told from real rows at once."""
    assert of_independent["marginals"].value > 0.99
    assert of_independent["c2st"].value > 0.8
    assert of_independent["dependence"].value == pytest.approx(of_independent["dependence"].floor, abs=0.03)
    assert of_independent["pairs"].value == pytest.approx(of_independent["pairs"].floor, abs=0.03)
    assert of_independent["functional_dependencies"].value < 0.6
    assert of_independent.verdicts["fidelity"] == "fail"


def test_many_rare_levels_do_not_tell_two_real_tables_apart():
    """Levels that one row has are in one of the two tables by chance; an invented level that is frequent is no chance."""

    def table(seed, invented=0):
        g = np.random.default_rng(seed)
        tail = [f"N{i}" for i in g.zipf(1.3, 3000) % 4000]
        tail[:invented] = ["XX"] * invented
        return pa.table({"tail": tail, "x": g.normal(size=3000)})

    assert evaluate(table(0), table(1), only="c2st")["c2st"].value < 0.54
    assert evaluate(table(0), table(1, 600), only="c2st")["c2st"].value > 0.57


@pytest.mark.slow
def test_independent_columns_teach_nothing(of_independent):
    """A model trained on independent columns is near chance on real rows; one trained on real rows is not."""
    assert of_independent["tstr"].value == pytest.approx(0.5, abs=0.12)
    assert of_independent["tstr"].ceiling > 0.8
    assert of_independent.verdicts["utility"] == "fail"


@pytest.mark.slow
def test_discriminator_names_the_column_that_gives_it_away(real, good):
    """When one column is broken, the discriminator names that column."""
    index = good.schema.get_field_index("income")
    broken = good.set_column(index, "income", pc.multiply(good["income"], 1.6))
    report = evaluate(real, broken, only="c2st,marginals")
    assert next(iter(report["c2st"].detail["importance"])) == "income"
    assert report.worst("marginals", 1)[0].subject == "income"


@pytest.mark.slow
def test_more_rows_of_the_population_lift_a_poor_model(of_good):
    """Rows that carry new information lift a model trained on few real rows, beyond what repeating them can."""
    lift = of_good["augmentation_lift"]
    assert lift.interval is not None
    assert lift.value > 0
    assert of_good["augmentation_lift.over_controls"].value > 0


def test_dropping_a_group_is_seen(real, good):
    """A minority that got wrong shapes is named as the worst group although the whole looks fine."""
    job = np.array(good["job"].to_pylist())
    income = good["income"].to_numpy().copy()
    income[job == "judge"] = income[job == "clerk"][: (job == "judge").sum()]
    broken = good.set_column(good.schema.get_field_index("income"), "income", pa.array(income))
    report = evaluate(real, broken, only="subgroups,marginals", protected=["job"])
    assert report["subgroups"].detail["worst"] == "job = judge"
    assert report["marginals"].value > 0.95


def test_vanished_tail_is_seen(real, good):
    """Rows beyond the real 99% point that are gone show as a tail of mass zero."""
    high = np.quantile(real["income"].to_numpy(), 0.985)
    report = evaluate(real, good.filter(pc.less(good["income"], high)), only="tails")
    worst = report.worst("tails", 1)[0]
    assert worst.subject.startswith("income >")
    assert worst.value == 0.0


def test_bias_amplification_is_measured(real, good):
    """When the target's rate differs more between groups than in the real rows, label_rates says by how much."""
    sex, churn = np.array(good["sex"].to_pylist()), np.array(good["churn"].to_pylist())
    churn[(sex == "f") & (np.arange(sex.size) % 2 == 0)] = "yes"
    biased = good.set_column(good.schema.get_field_index("churn"), "churn", pa.array(churn))
    fair = evaluate(real, good, only="label_rates", target="churn", protected=["sex"])["label_rates"].value
    unfair = evaluate(real, biased, only="label_rates", target="churn", protected=["sex"])["label_rates"].value
    assert abs(fair) < 0.06
    assert unfair > 0.15


@pytest.mark.parametrize("share", [1.0, 0.01])
def test_copies_fail_privacy(real, good, holdout, share):
    """A copy of the training rows fails privacy, and so does a release with 1% of them, whatever else it is."""
    count = int(share * real.num_rows)
    leaky = pa.concat_tables([real.slice(0, count), good.slice(0, good.num_rows - count)])
    report = evaluate(real, leaky, holdout=holdout, only="identical_excess")
    assert report.verdicts["privacy"] == "fail"
    assert report.exit_code == 1


def test_same_seed_same_bytes(real, good, holdout):
    """The same input and seed give the same bytes of report.json."""
    first = evaluate(real, good, holdout=holdout, only="statistics", seed=3)
    assert first.to_json() == evaluate(real, good, holdout=holdout, only="statistics", seed=3).to_json()


def test_row_order_does_not_matter(real, good):
    """Shuffling the synthetic rows changes no statistic."""
    mixed = good.take(pa.array(np.random.default_rng(5).permutation(good.num_rows)))
    a, b = (evaluate(real, t, only="validity,marginals,pairs,dependence,column_shapes") for t in (good, mixed))
    for x, y in zip(a, b, strict=True):
        assert x.value == pytest.approx(y.value, abs=1e-9), x.name


def test_copied_texts_fail_privacy():
    """Ten texts in a hundred that copy the source word for word fail privacy, though every other column is harmless."""

    def table(seed, copied=()):
        g = np.random.default_rng(seed)
        texts = [" ".join(f"w{k}" for k in g.integers(0, 4000, 30)) for _ in range(300)]
        return pa.table({"note": [*copied, *texts[len(copied) :]], "kind": g.choice(["a", "b"], 300)})

    real, holdout = table(0), table(1)
    gates = [{"metric": "verbatim_overlap", "max": 0.005, "relative_to": "ceiling", "bound": "lower"}]
    copies = evaluate(real, table(2, real["note"].to_pylist()[:30]), holdout=holdout, only="verbatim_overlap", gates=gates)
    assert copies.verdicts["privacy"] == "fail"
    assert evaluate(real, table(2), holdout=holdout, only="verbatim_overlap", gates=gates).verdicts["privacy"] == "pass"
    assert evaluate(real, table(2, real["note"].to_pylist()[:30]), holdout=holdout, only="verbatim_overlap").exit_code == 1


@pytest.mark.parametrize("share", [1.0, 0.1])
def test_copies_fail_privacy_without_a_holdout(real, good, share):
    """Real rows handed out as synthetic ones are called copies even when there is no holdout to compare with."""
    copied = int(share * good.num_rows)
    mixed = pa.concat_tables([real.slice(0, copied), good.slice(copied)])
    report = evaluate(real, mixed, only="identical_excess")
    assert report.verdicts["privacy"] == "fail"
    assert report["identical_excess"].value == pytest.approx(share, abs=0.02)
    assert f"{copied:,} of {mixed.num_rows:,} synthetic rows are copies of real rows" in report.findings[0].text


def test_without_a_holdout_rows_that_repeat_by_chance_are_not_judged(real, good):
    """Fresh rows, and narrow tables whose rows repeat anyhow, stay inconclusive: what is not measured is no pass."""
    assert evaluate(real, good, only="identical_excess").verdicts["privacy"] == "inconclusive"

    def narrow(seed, n, levels=40):
        g = np.random.default_rng(seed)
        return pa.table({"a": g.zipf(1.5, n) % levels, "b": g.integers(0, 30, n)})

    report = evaluate(narrow(0, 800), narrow(1, 800), only="identical_excess")
    assert report.verdicts["privacy"] == "inconclusive"
    little = evaluate(narrow(0, 800), narrow(1, 800, levels=20), only="identical_excess")  # less varied than the real rows
    assert little.verdicts["privacy"] == "inconclusive"
